/**
 * A schema as it is published: JSON of a schema of 2020-12. `refTo` tells where one stands that has a name, undefined for one that has
 * none; `told` what becomes of what our own errors say was expected: its description where there is no other, or nothing.
 */
export function published(
  schema: unknown,
  refTo: (schema: unknown) => string | undefined,
  told: "as description" | "left out",
): unknown {
  const inner = (value: unknown): unknown => {
    const ref = refTo(value);
    return ref === undefined ? published(value, refTo, told) : { $ref: ref };
  };
  if (Array.isArray(schema)) return schema.map(inner);
  if (typeof schema !== "object" || schema === null) return schema;
  const { expected, description, items } = schema as Readonly<Record<string, unknown>>;
  // Since 2020-12 the items of a tuple have a name of their own.
  const tuple = Array.isArray(items);
  const leftOut = (key: string): boolean =>
    // A field may be called `expected` as well: what errors say is a text.
    (key === "expected" && typeof expected === "string") ||
    (tuple && (key === "items" || key === "additionalItems"));
  const described = told === "as description" && description === undefined && typeof expected === "string";
  return Object.fromEntries(
    [
      ...(described ? [["description", expected] as const] : []),
      ...Object.entries(schema).filter(([key, value]) => value !== undefined && !leftOut(key)),
      ...(tuple ? [["prefixItems", items] as const] : []),
    ].map(([key, value]) => [key, inner(value)]),
  );
}
