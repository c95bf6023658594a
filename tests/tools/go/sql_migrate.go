package main

import (
	"fmt"

	migrate "github.com/rubenv/sql-migrate"
)

func sqlMigrate(command string, to database, folder string) error {
	db, err := to.open()
	if err != nil {
		return err
	}
	defer db.Close()
	dialect := map[string]string{"postgres": "postgres", "mysql": "mysql", "sqlite": "sqlite3"}[to.engine]
	files := migrate.FileMigrationSource{Dir: folder}
	switch command {
	case "up":
		_, err := migrate.Exec(db, dialect, files, migrate.Up)
		return err
	case "status":
		return sqlMigrateStatus(migrate.GetMigrationRecords(db, dialect))(files)
	}
	return unknown(command)
}

func sqlMigrateStatus(records []*migrate.MigrationRecord, err error) func(migrate.MigrationSource) error {
	return func(files migrate.MigrationSource) error {
		if err != nil {
			return err
		}
		applied := map[string]bool{}
		for _, record := range records {
			applied[record.Id] = true
		}
		migrations, err := files.FindMigrations()
		for _, migration := range migrations {
			state := "pending"
			if applied[migration.Id] {
				state = "applied"
			}
			fmt.Println(state, migration.Id)
		}
		return err
	}
}
