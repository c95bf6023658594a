// Drizzle's migrators:
//
//	node drizzle.mjs drizzle up|status URL FOLDER
//
// It has no command that tells what is pending: that is what it compares when it migrates, the moment of an entry of the
// journal with the newest one in its table.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const [, , , command, url, folder] = process.argv;
const options = { migrationsFolder: folder };

async function connect() {
  if (url.startsWith("sqlite:")) {
    const { createClient } = await import("@libsql/client");
    const { drizzle } = await import("drizzle-orm/libsql");
    const { migrate } = await import("drizzle-orm/libsql/migrator");
    const client = createClient({ url: `file:${url.slice("sqlite:".length)}` });
    const newest = "select max(created_at) as moment from __drizzle_migrations";
    return { up: () => migrate(drizzle(client), options), newest: async () => (await client.execute(newest)).rows[0].moment };
  }
  if (url.startsWith("postgres:")) {
    const { default: pg } = await import("pg");
    const { drizzle } = await import("drizzle-orm/node-postgres");
    const { migrate } = await import("drizzle-orm/node-postgres/migrator");
    const pool = new pg.Pool({ connectionString: url });
    const newest = "select max(created_at) as moment from drizzle.__drizzle_migrations";
    return { up: () => migrate(drizzle(pool), options), newest: async () => (await pool.query(newest)).rows[0].moment };
  }
  const { default: mysql } = await import("mysql2/promise");
  const { drizzle } = await import("drizzle-orm/mysql2");
  const { migrate } = await import("drizzle-orm/mysql2/migrator");
  const connection = await mysql.createConnection(url.replace(/^mariadb:/, "mysql:"));
  const newest = "select max(created_at) as moment from __drizzle_migrations";
  return { up: () => migrate(drizzle(connection), options), newest: async () => (await connection.query(newest))[0][0].moment };
}

const { up, newest } = await connect();
switch (command) {
  case "up":
    await up();
    break;
  case "status": {
    const moment = Number(await newest());
    const journal = JSON.parse(readFileSync(join(folder, "meta/_journal.json"), "utf8"));
    for (const { when, tag } of journal.entries) {
      console.log(when <= moment ? "applied" : "pending", tag);
    }
    break;
  }
  default:
    throw new Error(`${command} is no command of these`);
}
process.exit(0);
