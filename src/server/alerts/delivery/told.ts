/** A transition as it stands in the outbox and in messages: times in ISO 8601. */
export interface Told {
  readonly id: string;
  readonly alert: string;
  readonly rule: string;
  readonly series: string;
  readonly target: string;
  readonly state: "firing" | "resolved";
  readonly time: string;
  readonly value: number | null;
  readonly limit: number | readonly [number, number] | null;
  readonly probability: number | null;
  readonly crosses: {
    readonly from: string | null;
    readonly at: string | null;
    readonly to: string | null;
  } | null;
  readonly severity: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
}

/** What the outbox holds is what was put there. */
export const toldOf = (text: string): Told => JSON.parse(text) as Told;
