/**
 * The item at a place where there must be one: a length has been checked, or the program itself has put it there.
 * For what may be missing in an input, look at the item and say so in words instead.
 *
 * @throws RangeError when there is none: a fault of the program, never of an input
 */
export function itemAt<T extends NonNullable<unknown> | null>(items: ArrayLike<T>, place: number): T {
  const item = items[place];
  if (item === undefined) throw new RangeError(`no item at ${place} of ${items.length}`);
  return item;
}
