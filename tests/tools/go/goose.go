package main

import (
	"context"
	"fmt"
	"os"

	"github.com/pressly/goose/v3"
)

func gooseTool(command string, to database, folder string) error {
	db, err := to.open()
	if err != nil {
		return err
	}
	defer db.Close()
	dialect := map[string]goose.Dialect{
		"postgres": goose.DialectPostgres,
		"mysql":    goose.DialectMySQL,
		"sqlite":   goose.DialectSQLite3,
	}[to.engine]
	provider, err := goose.NewProvider(dialect, db, os.DirFS(folder))
	if err != nil {
		return err
	}
	switch command {
	case "up":
		_, err = provider.Up(context.Background())
		return err
	case "status":
		status, err := provider.Status(context.Background())
		if err != nil {
			return err
		}
		for _, migration := range status {
			fmt.Println(migration.State, migration.Source.Version)
		}
		return nil
	}
	return unknown(command)
}
