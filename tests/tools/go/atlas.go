package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/mysql"
	"ariga.io/atlas/sql/postgres"
	"ariga.io/atlas/sql/sqlite"
)

// Atlas' own executor, over a table that is kept here: the program `atlas` is in no package. The columns are those of
// its `atlas_schema_revisions`; what stands in them is the executor's.
func atlas(command string, to database, folder string) error {
	files, err := migrate.NewLocalDir(folder)
	if err != nil {
		return err
	}
	if command == "hash" {
		sums, err := files.Checksum()
		if err != nil {
			return err
		}
		return migrate.WriteSumFile(files, sums)
	}
	db, err := to.open()
	if err != nil {
		return err
	}
	defer db.Close()
	var driver migrate.Driver
	switch to.engine {
	case "postgres":
		driver, err = postgres.Open(db)
	case "mysql":
		driver, err = mysql.Open(db)
	default:
		driver, err = sqlite.Open(db)
	}
	if err != nil {
		return err
	}
	revisions := &revisions{db: db, engine: to.engine}
	if err := revisions.create(); err != nil {
		return err
	}
	executor, err := migrate.NewExecutor(driver, files, revisions, migrate.WithAllowDirty(true), migrate.WithOperatorVersion("tests"))
	if err != nil {
		return err
	}
	switch command {
	case "up":
		if err := executor.ExecuteN(context.Background(), 0); !errors.Is(err, migrate.ErrNoPendingFiles) {
			return err
		}
		return nil
	case "status":
		return atlasStatus(executor, files)
	}
	return unknown(command)
}

func atlasStatus(executor *migrate.Executor, files migrate.Dir) error {
	all, err := files.Files()
	if err != nil {
		return err
	}
	pending, err := executor.Pending(context.Background())
	if err != nil && !errors.Is(err, migrate.ErrNoPendingFiles) {
		return err
	}
	states := map[string]string{}
	for _, file := range pending {
		states[file.Version()] = "pending"
	}
	for _, file := range all {
		state := "applied"
		if found, there := states[file.Version()]; there {
			state = found
		}
		fmt.Println(state, file.Version())
	}
	return nil
}

type revisions struct {
	db     *sql.DB
	engine string
}

func (r *revisions) table() string {
	if r.engine == "postgres" {
		return "atlas_schema_revisions.atlas_schema_revisions"
	}
	return "atlas_schema_revisions"
}

func (r *revisions) create() error {
	if r.engine == "postgres" {
		if _, err := r.db.Exec("CREATE SCHEMA IF NOT EXISTS atlas_schema_revisions"); err != nil {
			return err
		}
	}
	text, moment, list := "varchar(255)", "timestamp NULL", "json NULL"
	if r.engine == "postgres" {
		text, moment, list = "character varying", "timestamptz NOT NULL", "jsonb NULL"
	}
	if r.engine == "sqlite" {
		text, moment = "text", "datetime NOT NULL"
	}
	_, err := r.db.Exec(fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s (version %s NOT NULL, description %s NOT NULL,
		type bigint NOT NULL DEFAULT 2, applied bigint NOT NULL DEFAULT 0, total bigint NOT NULL DEFAULT 0,
		executed_at %s, execution_time bigint NOT NULL, error text NULL, error_stmt text NULL, hash %s NOT NULL,
		partial_hashes %s, operator_version %s NOT NULL, PRIMARY KEY (version))`,
		r.table(), text, text, moment, text, list, text))
	return err
}

func (r *revisions) Ident() *migrate.TableIdent {
	ident := &migrate.TableIdent{Name: "atlas_schema_revisions"}
	if r.engine == "postgres" {
		ident.Schema = "atlas_schema_revisions"
	}
	return ident
}

const columns = "version, description, type, applied, total, executed_at, execution_time, error, error_stmt, hash, " +
	"partial_hashes, operator_version"

func (r *revisions) ReadRevisions(context.Context) ([]*migrate.Revision, error) {
	rows, err := r.db.Query(fmt.Sprintf("SELECT %s FROM %s ORDER BY version", columns, r.table()))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []*migrate.Revision
	for rows.Next() {
		var (
			row                      migrate.Revision
			failed, statement, parts sql.NullString
			duration                 int64
		)
		if err := rows.Scan(&row.Version, &row.Description, &row.Type, &row.Applied, &row.Total, &row.ExecutedAt,
			&duration, &failed, &statement, &row.Hash, &parts, &row.OperatorVersion); err != nil {
			return nil, err
		}
		row.ExecutionTime, row.Error, row.ErrorStmt = time.Duration(duration), failed.String, statement.String
		if parts.Valid {
			if err := json.Unmarshal([]byte(parts.String), &row.PartialHashes); err != nil {
				return nil, err
			}
		}
		all = append(all, &row)
	}
	return all, rows.Err()
}

func (r *revisions) ReadRevision(ctx context.Context, version string) (*migrate.Revision, error) {
	all, err := r.ReadRevisions(ctx)
	for _, row := range all {
		if row.Version == version {
			return row, nil
		}
	}
	if err == nil {
		err = migrate.ErrRevisionNotExist
	}
	return nil, err
}

func (r *revisions) WriteRevision(ctx context.Context, row *migrate.Revision) error {
	if err := r.DeleteRevision(ctx, row.Version); err != nil {
		return err
	}
	marks := "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
	if r.engine == "postgres" {
		marks = "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12"
	}
	parts, err := json.Marshal(row.PartialHashes)
	if err != nil {
		return err
	}
	_, err = r.db.Exec(fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", r.table(), columns, marks), row.Version,
		row.Description, int64(row.Type), row.Applied, row.Total, row.ExecutedAt, row.ExecutionTime.Nanoseconds(),
		row.Error, row.ErrorStmt, row.Hash, string(parts), row.OperatorVersion)
	return err
}

func (r *revisions) DeleteRevision(_ context.Context, version string) error {
	mark := "?"
	if r.engine == "postgres" {
		mark = "$1"
	}
	_, err := r.db.Exec(fmt.Sprintf("DELETE FROM %s WHERE version = %s", r.table(), mark), version)
	return err
}
