// Messages of a real MQTT broker through two ends of the server by SIGKILL and a restart of the broker:
//   node --import tsx scripts/bench/mqtt.ts [--messages 50000] [--topics 200] [--version 5]
import { parseArgs } from "node:util";
import { mqttKillTest } from "../../test/server/sources/mqtt-kill.ts";

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "50000" },
    topics: { type: "string", default: "200" },
    version: { type: "string", default: "5" },
  },
});
const version = values.version === "3.1.1" ? "3.1.1" : "5";
console.log(
  JSON.stringify(await mqttKillTest(Number(values.messages), Number(values.topics), version), null, 2),
);
