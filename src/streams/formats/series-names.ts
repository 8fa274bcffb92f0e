import { itemAt } from "../../models/item-at.ts";
import { plainName } from "./times.ts";

/** What names of columns say which thing was measured, or what of it. */
const THINGS = new Set(
  (
    "series sensor host hostname device entity topic node station location site room place metric measurement field parameter variable attribute " +
    "quantity channel container instance interface iface mac macaddress serial serialnumber meter machine asset tag point symbol ticker store item dept " +
    "product zone region country city area building pump tank model probe mote moteid plug server service pod namespace job cluster disk dev cpu " +
    "core gateway client house household turbine inverter well uuid imei eui dev_eui deveui filesystem mount pid command process name sensorname " +
    "messstelle standort gerät geraet sensorid deviceid stationid nodeid statistic bus line"
  ).split(" "),
);
/** Names that say so even when the cells are numbers. */
const NUMBERED = new Set(
  "sensor device node station meter mote moteid channel store item dept pid sensorid deviceid stationid nodeid".split(
    " ",
  ),
);
/** Objects whose text fields are labels. */
const LABELLED = /^(?:labels?|tags?|metric|dimensions|attributes)$/;
const IDENTIFIER = /_?(?:id|ids|uid|uuid|name|no|nr|number|key|label)$/;

/**
 * How surely a column of this name tells which series a row is of: `text` when its cells are words, `number` even when they
 * are numbers, `repeated` only when they come again, `no` else.
 */
export function namesSeries(column: string): "text" | "number" | "repeated" | "no" {
  const path = column.split(".").map(plainName);
  const last = itemAt(path, path.length - 1);
  const parent = path[path.length - 2];
  if (parent !== undefined && LABELLED.test(parent)) return "text";
  if (last === "id") return parent !== undefined && THINGS.has(parent) ? "number" : "repeated";
  if (THINGS.has(last)) return NUMBERED.has(last) ? "number" : "text";
  const base = last.replace(IDENTIFIER, "");
  if (base === "" || base === last)
    return parent !== undefined && THINGS.has(parent) && last === "name" ? "text" : "no";
  return THINGS.has(base) ? "number" : "no";
}

/** The name of a series from the cells of several columns; no two lists of cells give the same one. */
export const joinNames = (parts: readonly string[]): string =>
  parts.length === 1 ? itemAt(parts, 0) : parts.map((part) => part.replace(/[\\/]/g, "\\$&")).join("/");
