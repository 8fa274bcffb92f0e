import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import { EddyError, printable } from "../../models/errors.ts";

const MAPPED = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;

const plain = (address: string): string => MAPPED.exec(address)?.[1] ?? address;

/** Who a limit is about: an address, or the 64 bits of an IPv6 address that one subscriber has to itself. */
export function peerOf(address: string): string {
  if (isIP(address) !== 6 || address === "::1") return address;
  const [head = "", tail] = address.replace(/%.*/, "").split("::");
  const groups = (text: string | undefined): string[] => (text ? text.split(":") : []);
  const [left, right] = [groups(head), groups(tail)];
  const all =
    tail === undefined
      ? left
      : [...left, ...Array(Math.max(0, 8 - left.length - right.length)).fill("0"), ...right];
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}

/**
 * Where requests come from. `X-Forwarded-For` is believed of listed proxies only, and read from its end: what stands before the last
 * address that a proxy of ours has added was written by whoever asked.
 */
export class Peers {
  readonly #proxies = new BlockList();
  readonly #none: boolean;

  /** @throws EddyError `bad-config` for what is no address or network */
  constructor(proxies: readonly string[]) {
    this.#none = proxies.length === 0;
    for (const [i, proxy] of proxies.entries()) {
      const [address = "", bits] = proxy.split("/");
      const kind = isIP(address);
      const width = kind === 4 ? 32 : 128;
      if (kind === 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= width))) {
        throw new EddyError("bad-config", `proxies.${i}`, {
          expected: "an address or a network, such as 127.0.0.1 or 10.0.0.0/8",
          received: printable(proxy),
        });
      }
      this.#proxies.addSubnet(
        address,
        bits === undefined ? width : Number(bits),
        kind === 4 ? "ipv4" : "ipv6",
      );
    }
  }

  of(request: Pick<IncomingMessage, "headers" | "socket">): string {
    let address = plain(request.socket.remoteAddress ?? "");
    if (this.#none) return peerOf(address);
    const given = request.headers["x-forwarded-for"];
    const forwarded = [given ?? []].flat().join(",").split(",");
    while (this.#isProxy(address)) {
      const next = plain((forwarded.pop() ?? "").trim());
      if (isIP(next) === 0) break;
      address = next;
    }
    return peerOf(address);
  }

  #isProxy(address: string): boolean {
    const kind = isIP(address);
    return kind !== 0 && this.#proxies.check(address, kind === 4 ? "ipv4" : "ipv6");
  }
}
