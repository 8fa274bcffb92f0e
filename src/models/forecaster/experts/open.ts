import { EddyError, printable } from "../../errors.ts";
import type { Layout } from "../../kernels/layout.ts";
import type { Expert, Shape } from "../expert.ts";
import type { ForecasterSpecification } from "../specification.ts";
import { LeakyAverage } from "./leaky-averages.ts";
import { Persistence } from "./persistence.ts";

/** The experts a model specification names. Persistence is always the first: it is what skill is measured against. */
export function openExperts(layout: Layout, shape: Shape, specification: ForecasterSpecification): Expert[] {
  const persistence = new Persistence(layout, shape);
  switch (specification.model) {
    case "persistence":
      return [persistence];
    case "auto":
      return [persistence, ...[3, 10, 30, 100].map((scale) => new LeakyAverage(layout, shape, scale))];
    default:
      throw new EddyError("bad-model", "model", {
        expected: "auto or persistence",
        received: printable(specification.model),
      });
  }
}
