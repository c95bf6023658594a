// Prisma Migrate's own engine, as `prisma migrate deploy` and `prisma migrate status` call it:
//
//	node prisma.mjs prisma up|status URL FOLDER
//
// The native engine is in no package; this is the same one, compiled to WebAssembly.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";

const [, , , command, url, folder] = process.argv;

async function engine() {
  const place = dirname(createRequire(import.meta.url).resolve("@prisma/schema-engine-wasm"));
  const bindings = await import(pathToFileURL(join(place, "schema_engine_bg.js")).href);
  const module = new WebAssembly.Module(readFileSync(join(place, "schema_engine_bg.wasm")));
  const { exports } = new WebAssembly.Instance(module, { "./schema_engine_bg.js": bindings });
  bindings.__wbg_set_wasm(exports);
  exports.__wbindgen_start();
  return bindings.SchemaEngine.new(
    { datamodels: undefined },
    () => {},
    bindMigrationAwareSqlAdapterFactory(await adapter()),
  );
}

async function adapter() {
  if (url.startsWith("sqlite:")) {
    const { PrismaLibSql } = await import("@prisma/adapter-libsql");
    return new PrismaLibSql({ url: `file:${url.slice("sqlite:".length)}` });
  }
  if (url.startsWith("postgres:")) {
    const { PrismaPg } = await import("@prisma/adapter-pg");
    const factory = new PrismaPg({ connectionString: url });
    const connect = factory.connect.bind(factory);
    factory.connect = async () => {
      const adapter = await connect();
      // It would split at every `;`. The native engine sends a file as it is.
      adapter.executeScript = async (script) => void (await adapter.client.query(script));
      return adapter;
    };
    return factory;
  }
  throw new Error(`${url}: what is compiled to WebAssembly knows PostgreSQL and SQLite`);
}

function migrationsList() {
  const baseDir = resolve(folder);
  const names = readdirSync(baseDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  return {
    baseDir,
    lockfile: { path: "migration_lock.toml", content: readFileSync(join(baseDir, "migration_lock.toml"), "utf8") },
    migrationDirectories: names.map((name) => ({
      path: name,
      migrationFile: {
        path: "migration.sql",
        content: { tag: "ok", value: readFileSync(join(baseDir, name, "migration.sql"), "utf8") },
      },
    })),
    shadowDbInitScript: "",
  };
}

// What the engine says when it panics.
globalThis.PRISMA_WASM_PANIC_REGISTRY = { set_message: (message) => console.error(message) };
const filters = { externalTables: [], externalEnums: [] };
const prisma = await engine();
const list = migrationsList();
switch (command) {
  case "up":
    await prisma.applyMigrations({ migrationsList: list, filters });
    break;
  case "status": {
    const said = await prisma.diagnoseMigrationHistory({ migrationsList: list, optInToShadowDatabase: false, filters });
    if (said.failedMigrationNames.length || said.editedMigrationNames.length) {
      throw new Error(`failed: ${said.failedMigrationNames}; edited: ${said.editedMigrationNames}`);
    }
    const pending = new Set(said.history?.unappliedMigrationNames ?? []);
    for (const { path } of list.migrationDirectories) {
      console.log(pending.has(path) ? "pending" : "applied", path);
    }
    break;
  }
  default:
    throw new Error(`${command} is no command of these`);
}
process.exit(0);
