// What the server tells, as the page reads it: types of the protocol alone, so that nothing of its schemas is bundled.
import type { AlertsAnswer, TransitionsAnswer } from "../../protocol/http/alerts.ts";

export type { Forecast } from "../../models/forecast.ts";
export type { AlertsAnswer, TransitionsAnswer } from "../../protocol/http/alerts.ts";
export type {
  DrawingAnswer,
  OverviewAnswer,
  PipelineReport,
  ReceiptAnswer as Receipt,
  RecognitionAnswer,
  RecordAnswer,
  SourceReport,
} from "../../protocol/http/answers.ts";
export type Rule = AlertsAnswer["rules"][number];
export type Alert = AlertsAnswer["alerts"][number];
export type Transition = TransitionsAnswer["transitions"][number];
