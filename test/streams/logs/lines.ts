// Logs as programs write them, made here and seeded.

/** Numbers in [0, 1) from a seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const pick = <T>(random: () => number, from: readonly T[]): T => from[Math.floor(random() * from.length)];
const NAMES = "ann bob cid dora eve finn gus hana ida jan kim leo".split(" ");

/** A shop: orders come, are paid and sent, now and then one fails. Every order has a number. */
export function shopLog(lines: number, seed: number, start = Date.UTC(2025, 10, 25)): string[] {
  const random = randomFrom(seed);
  const out: string[] = [];
  let time = start;
  let order = 1000;
  while (out.length < lines) {
    time += Math.floor(random() * 4000);
    const at = new Date(time).toISOString();
    const id = order++;
    const say = (level: string, text: string) => out.push(`${at} ${level} shop.Orders - ${text}`);
    say(
      "INFO",
      `order ${id} received from user ${pick(random, NAMES)} with ${1 + Math.floor(random() * 9)} items`,
    );
    if (random() < 0.05)
      say("WARN", `payment of order ${id} declined by 10.0.0.${Math.floor(random() * 250)}:443`);
    else {
      say("INFO", `order ${id} paid, took ${Math.floor(random() * 900)} ms`);
      say("INFO", `parcel of order ${id} written to /var/spool/parcels/${id}.pdf`);
    }
  }
  return out.slice(0, lines);
}
