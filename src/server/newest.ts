/** Deletes the oldest of a map or set, in the order in which they were put in, until there are no more than `most`. */
export function keepNewest<K>(
  collection: { readonly size: number; keys(): Iterable<K>; delete(key: K): boolean },
  most: number,
): void {
  for (const oldest of collection.keys()) {
    if (collection.size <= most) return;
    collection.delete(oldest);
  }
}
