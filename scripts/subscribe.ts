// Prints the forecasts of every series whose name fits a pattern, one JSON object a line, each once, and comes back after a break.
//
//   node --import tsx scripts/subscribe.ts http://127.0.0.1:8787 'indoor-*/temperature'
//
// EDDY_TOKEN holds the server's token. In a project of your own, import from "eddy/client".
import { connect, statusWords } from "../src/client/node.ts";

const [server = "http://127.0.0.1:8787", pattern = "*"] = process.argv.slice(2);
const client = connect(server, { token: process.env.EDDY_TOKEN });
client.statuses().subscribe((status) => console.error(statusWords(status, Date.now())));
const forecasts = client.forecasts(pattern, { mode: "stream", gap: (gap) => console.error(gap) });
for await (const { forecast } of forecasts) console.log(JSON.stringify(forecast));
