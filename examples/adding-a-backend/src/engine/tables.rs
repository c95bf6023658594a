//! What is in a database, and what a statement makes of it.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::language::{Assignments, Command, Name, Value};
use super::{Answer, Error, ErrorKind};

/// All tables of a database, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tables(BTreeMap<String, Table>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Table {
    columns: Vec<String>,
    /// The columns whose values together are there once; none for none.
    key: Vec<usize>,
    rows: Vec<Vec<Option<String>>>,
}

impl Tables {
    pub(super) fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// Carries out what is about tables. One that fails may have done a part.
    pub(super) fn execute(&mut self, command: Command) -> Result<Answer, Error> {
        match command {
            Command::CreateTable { name, lenient, .. } if lenient && self.0.contains_key(&name.text) => {}
            Command::CreateTable { name, .. } if self.0.contains_key(&name.text) => {
                return Err(Error::refused(format!("table {} already exists", name.text)).at(name.at));
            }
            Command::CreateTable { name, columns, key, .. } => {
                let columns = columns.into_iter().map(|column| column.text).collect();
                let mut table = Table { columns, ..Table::default() };
                table.key = key.iter().map(|column| table.column(column)).collect::<Result<_, _>>()?;
                self.0.insert(name.text, table);
            }
            Command::DropTable { name } => {
                self.table(&name)?;
                self.0.remove(&name.text);
            }
            Command::AddColumn { name, column } => {
                let table = self.table(&name)?;
                if table.columns.contains(&column.text) {
                    return Err(Error::refused(format!("column {} already exists", column.text)).at(column.at));
                }
                table.columns.push(column.text);
                table.rows.iter_mut().for_each(|row| row.push(None));
            }
            Command::Insert { name, columns, rows } => return self.table(&name)?.insert(&name, &columns, rows),
            Command::Update { name, set, condition } => return self.table(&name)?.update(set, condition),
            Command::Delete { name, condition } => {
                let table = self.table(&name)?;
                let condition = table.condition(condition)?;
                let before = table.rows.len();
                table.rows.retain(|row| !holds(row, &condition));
                return Ok(written(before - table.rows.len()));
            }
            Command::Select { name, columns, condition } => return self.table(&name)?.select(&columns, condition),
            Command::Values { values } => {
                let row: Vec<_> = values.into_iter().map(cell).collect();
                return Ok(Answer { columns: vec![String::new(); row.len()], rows: vec![row], written: None });
            }
            Command::Compact | Command::Begin | Command::Commit | Command::Rollback => {}
        }
        Ok(Answer::default())
    }

    fn table(&mut self, name: &Name) -> Result<&mut Table, Error> {
        self.0.get_mut(&name.text).ok_or_else(|| Error::refused(format!("no such table: {}", name.text)).at(name.at))
    }
}

impl Table {
    fn column(&self, name: &Name) -> Result<usize, Error> {
        let found = self.columns.iter().position(|column| *column == name.text);
        found.ok_or_else(|| Error::refused(format!("no such column: {}", name.text)).at(name.at))
    }

    fn condition(&self, condition: Assignments) -> Result<Vec<(usize, Option<String>)>, Error> {
        condition.into_iter().map(|(name, value)| Ok((self.column(&name)?, cell(value)))).collect()
    }

    fn insert(&mut self, name: &Name, columns: &[Name], rows: Vec<Vec<Value>>) -> Result<Answer, Error> {
        let places: Vec<usize> = match columns {
            [] => (0..self.columns.len()).collect(),
            columns => columns.iter().map(|column| self.column(column)).collect::<Result<_, _>>()?,
        };
        let many = rows.len();
        for values in rows {
            if values.len() != places.len() {
                let message = format!("{} values for {} columns of {}", values.len(), places.len(), name.text);
                return Err(Error::refused(message).at(name.at));
            }
            let mut row = vec![None; self.columns.len()];
            for (place, value) in places.iter().zip(values) {
                row[*place] = cell(value);
            }
            let same = |other: &Vec<Option<String>>| self.key.iter().all(|column| other[*column] == row[*column]);
            if !self.key.is_empty() && self.rows.iter().any(same) {
                let message = format!("{} has a row with this key already", name.text);
                return Err(Error { kind: ErrorKind::Duplicate, message, position: Some(name.at) });
            }
            self.rows.push(row);
        }
        Ok(written(many))
    }

    fn update(&mut self, set: Assignments, condition: Assignments) -> Result<Answer, Error> {
        let (set, condition) = (self.condition(set)?, self.condition(condition)?);
        let mut many = 0;
        for row in self.rows.iter_mut().filter(|row| holds(row, &condition)) {
            for (place, value) in &set {
                row[*place].clone_from(value);
            }
            many += 1;
        }
        Ok(written(many))
    }

    fn select(&self, columns: &[Name], condition: Assignments) -> Result<Answer, Error> {
        let places: Vec<usize> = match columns {
            [] => (0..self.columns.len()).collect(),
            columns => columns.iter().map(|column| self.column(column)).collect::<Result<_, _>>()?,
        };
        let condition = self.condition(condition)?;
        let found = self.rows.iter().filter(|row| holds(row, &condition));
        let rows = found.map(|row| places.iter().map(|place| row[*place].clone()).collect()).collect();
        Ok(Answer { columns: places.iter().map(|place| self.columns[*place].clone()).collect(), rows, written: None })
    }
}

fn holds(row: &[Option<String>], condition: &[(usize, Option<String>)]) -> bool {
    condition.iter().all(|(place, value)| row[*place] == *value)
}

fn cell(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Text(text) => Some(text),
        Value::Now => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Some(now.as_micros().to_string())
        }
    }
}

fn written(rows: usize) -> Answer {
    Answer { written: Some(rows as u64), ..Answer::default() }
}
