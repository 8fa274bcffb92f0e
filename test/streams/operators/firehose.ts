import type { OperatorFunction } from "rxjs";
import { Observable, take } from "rxjs";
import { expect } from "vitest";

/** Subscribes an operator to a source that never stops by itself, takes three, and sees that it was let go at once. */
export function expectToStopListening<T, R>(operator: OperatorFunction<T, R>, event: (i: number) => T): void {
  let sent = 0;
  const firehose = new Observable<T>((subscriber) => {
    for (let i = 0; !subscriber.closed && i < 1000; i++) {
      sent++;
      subscriber.next(event(i));
    }
  });
  let received = 0;
  firehose.pipe(operator, take(3)).subscribe(() => received++);
  expect(received).toBe(3);
  expect(sent).toBeLessThanOrEqual(5);
}
