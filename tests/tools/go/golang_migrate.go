package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/golang-migrate/migrate/v4"
	_ "github.com/golang-migrate/migrate/v4/database/mysql"
	_ "github.com/golang-migrate/migrate/v4/database/postgres"
	_ "github.com/golang-migrate/migrate/v4/database/sqlite"
	"github.com/golang-migrate/migrate/v4/source"
	_ "github.com/golang-migrate/migrate/v4/source/file"
)

func golangMigrate(command string, to database, folder string) error {
	address := "sqlite://" + to.path
	switch to.engine {
	case "postgres":
		address = to.url.String()
	case "mysql":
		// The database's name without what its URLs have of other tools.
		address = "mysql://" + strings.Split(to.mysql().FormatDSN(), "?")[0]
	}
	migrations, err := migrate.New("file://"+folder, address)
	if err != nil {
		return err
	}
	defer migrations.Close()
	switch command {
	case "up":
		if err := migrations.Up(); !errors.Is(err, migrate.ErrNoChange) {
			return err
		}
		return nil
	case "status":
		return golangMigrateStatus(migrations, folder)
	}
	return unknown(command)
}

// It has no such command: what is at most the version that `migrate version` prints is what it takes for applied.
func golangMigrateStatus(migrations *migrate.Migrate, folder string) error {
	head, dirty, err := migrations.Version()
	none := errors.Is(err, migrate.ErrNilVersion)
	if err != nil && !none {
		return err
	}
	if dirty {
		return fmt.Errorf("version %d is dirty", head)
	}
	files, err := source.Open("file://" + folder)
	if err != nil {
		return err
	}
	defer files.Close()
	version, err := files.First()
	for err == nil {
		state := "pending"
		if !none && version <= head {
			state = "applied"
		}
		fmt.Println(state, version)
		version, err = files.Next(version)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
