/** How a temperature told in one unit is told in another: x becomes `factor` x + `zero`. */
export interface Conversion {
  readonly factor: number;
  readonly zero: number;
  /** Temperatures that anybody measures, in the unit that it comes from. */
  readonly least: number;
  readonly most: number;
}

const [COLDEST, HOTTEST] = [-60, 150];
const FREEZING = 273.15;

const fahrenheit = (celsius: number): number => 1.8 * celsius + 32;

/**
 * Conversions between degrees Celsius, Fahrenheit and kelvins by which the factor changes. Nothing else that is measured is commonly told from
 * another zero and in another unit at once; what is told from another zero alone, as kelvins instead of degrees Celsius, needs no name.
 */
export const CONVERSIONS: readonly Conversion[] = [
  { factor: 1.8, zero: 32, least: COLDEST, most: HOTTEST },
  { factor: 1 / 1.8, zero: -32 / 1.8, least: fahrenheit(COLDEST), most: fahrenheit(HOTTEST) },
  { factor: 1.8, zero: 32 - 1.8 * FREEZING, least: COLDEST + FREEZING, most: HOTTEST + FREEZING },
  { factor: 1 / 1.8, zero: FREEZING - 32 / 1.8, least: fahrenheit(COLDEST), most: fahrenheit(HOTTEST) },
];
