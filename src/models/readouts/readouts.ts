import { combined } from "./combined.ts";
import { endOfSequence } from "./end-of-sequence.ts";
import { gaussian } from "./gaussian.ts";
import { huber } from "./huber.ts";
import { poisson } from "./poisson.ts";
import { quantiles } from "./quantile.ts";
import { registerReadout } from "./readout.ts";
import { categories } from "./softmax.ts";
import { squared } from "./squared.ts";

registerReadout("squared", (targets) => squared(targets));
registerReadout("huber", (targets) => huber(targets));
registerReadout("softmax", (n) => categories(n));
registerReadout("gaussian", (targets) => gaussian(targets));
registerReadout("quantile", (targets) => quantiles(targets));
registerReadout("end-of-sequence", (targets) => endOfSequence(targets));
registerReadout("poisson", (targets) => poisson(targets));
registerReadout("squared+end-of-sequence", (targets) => combined(squared(targets), endOfSequence()));

export { makeReadout, type Random, type Readout, readoutNames, registerReadout } from "./readout.ts";
export { categories, combined, endOfSequence, gaussian, huber, poisson, quantiles, squared };
