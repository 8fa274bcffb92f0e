/** Minutes that local time is ahead of UTC. */
export type OffsetOf = (localMilliseconds: number) => number;

const ABBREVIATIONS: Readonly<Record<string, number>> = {
  z: 0,
  utc: 0,
  gmt: 0,
  wet: 0,
  west: 60,
  bst: 60,
  cet: 60,
  cest: 120,
  mez: 60,
  mesz: 120,
  eet: 120,
  eest: 180,
  msk: 180,
  jst: 540,
  kst: 540,
  aest: 600,
  aedt: 660,
  est: -300,
  edt: -240,
  cst: -360,
  cdt: -300,
  mst: -420,
  mdt: -360,
  pst: -480,
  pdt: -420,
};

/** The offset in minutes that a suffix such as `Z`, `+0100`, `GMT+2` or `CEST` stands for; nothing when it is none. */
export function readOffset(text: string): number | undefined {
  const zone = text.trim().toLowerCase();
  if (Object.hasOwn(ABBREVIATIONS, zone)) return ABBREVIATIONS[zone];
  const match = /^(?:utc|gmt)?([+-])(\d{1,2})(?::?(\d{2}))?$/.exec(zone);
  if (match === null) return undefined;
  const [hour, minute] = [Number(match[2]), Number(match[3] ?? 0)];
  const minutes = hour * 60 + minute;
  return hour < 24 && minute < 60 ? (match[1] === "-" ? -minutes : minutes) : undefined;
}

/**
 * The offset of a time zone by its name: `UTC`, `+02:00`, or one of the IANA database such as `Europe/Berlin`. Nothing when
 * there is no such zone. Of an hour that the clocks show twice, the first one is meant.
 */
export function zoneOffset(name: string): OffsetOf | undefined {
  const fixed = readOffset(name);
  if (fixed !== undefined) return () => fixed;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch {
    return undefined;
  }
  const known = new Map<number, number>();
  /** Offset at a moment of UTC. */
  const at = (utc: number): number => {
    const quarter = Math.floor(utc / 900_000);
    let offset = known.get(quarter);
    if (offset === undefined) {
      const parts = format.formatToParts(quarter * 900_000);
      const part = (type: string): number => Number(parts.find((each) => each.type === type)?.value);
      const local = Date.UTC(
        part("year"),
        part("month") - 1,
        part("day"),
        part("hour"),
        part("minute"),
        part("second"),
      );
      offset = (local - quarter * 900_000) / 60_000;
      if (known.size > 100_000) known.clear();
      known.set(quarter, offset);
    }
    return offset;
  };
  return (local) => {
    if (!(Math.abs(local) < 8e15)) return 0;
    // The larger offset is the earlier moment; it holds if local time really has it there.
    const larger = Math.max(at(local - 86_400_000), at(local + 86_400_000));
    const smaller = Math.min(at(local - 86_400_000), at(local + 86_400_000));
    return at(local - larger * 60_000) === larger ? larger : smaller;
  };
}
