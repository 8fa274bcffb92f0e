declare module "better-sqlite3-12" {
  import type BetterSqlite3 from "better-sqlite3";

  const Database: typeof BetterSqlite3;
  export default Database;
}
