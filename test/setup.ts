// Properties are tried on the same examples in every run; EDDY_SEED tries others.
import { configureGlobal } from "fast-check";

configureGlobal({ seed: Number(process.env.EDDY_SEED ?? 1) });
