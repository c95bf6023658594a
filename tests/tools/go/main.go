// Other tools written in Go, each behind the same two words:
//
//	tools TOOL up URL FOLDER       applies what is pending, as the tool's own command does
//	tools TOOL status URL FOLDER   a line for each migration: "applied ID" or "pending ID", as the tool sees it
//	tools atlas hash URL FOLDER    writes atlas.sum
//
// URL is postgres://user@host:port/database, mysql://user:password@host:port/database, mariadb://… or sqlite:/path.
package main

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/go-sql-driver/mysql"
	_ "github.com/lib/pq"
	_ "modernc.org/sqlite"
)

// A tool, and what it is asked to do with a database and a folder.
type tool func(command string, to database, folder string) error

var tools = map[string]tool{
	"atlas":          atlas,
	"golang-migrate": golangMigrate,
	"goose":          gooseTool,
	"sql-migrate":    sqlMigrate,
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 4 {
		return fmt.Errorf("usage: TOOL up|status URL FOLDER")
	}
	chosen, known := tools[arguments[0]]
	if !known {
		return fmt.Errorf("%s is no tool of these", arguments[0])
	}
	to, err := parse(arguments[2])
	if err != nil {
		return err
	}
	return chosen(arguments[1], to, arguments[3])
}

// A database, as the drivers of this program call it.
type database struct {
	// postgres, mysql or sqlite
	engine string
	// The path of a file, or the parts of a URL.
	path string
	url  *url.URL
}

func parse(text string) (database, error) {
	if path, found := strings.CutPrefix(text, "sqlite:"); found {
		return database{engine: "sqlite", path: path}, nil
	}
	parsed, err := url.Parse(text)
	if err != nil {
		return database{}, err
	}
	switch parsed.Scheme {
	case "postgres":
		parsed.RawQuery = "sslmode=disable"
		return database{engine: "postgres", url: parsed}, nil
	case "mysql", "mariadb":
		return database{engine: "mysql", url: parsed}, nil
	}
	return database{}, fmt.Errorf("%s: no scheme of these", text)
}

func (d database) name() string {
	return strings.TrimPrefix(d.url.Path, "/")
}

// What go-sql-driver/mysql takes. Several statements in one text are what each tool that needs them asks for.
func (d database) mysql() *mysql.Config {
	config := mysql.NewConfig()
	config.User = d.url.User.Username()
	config.Passwd, _ = d.url.User.Password()
	config.Net = "tcp"
	config.Addr = d.url.Host
	config.DBName = d.name()
	config.ParseTime = true
	return config
}

func (d database) open() (*sql.DB, error) {
	switch d.engine {
	case "postgres":
		return sql.Open("postgres", d.url.String())
	case "mysql":
		return sql.Open("mysql", d.mysql().FormatDSN())
	}
	return sql.Open("sqlite", d.path)
}

func unknown(command string) error {
	return fmt.Errorf("%s is no command of these", command)
}
