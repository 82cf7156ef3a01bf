package lina

import (
	"bytes"
	"encoding/json"
)

// Table is a table of the plugin, which its install SQL makes and plugin.yaml declares. Records are JSON objects; the column
// created_at is the field createdAt. Keys are texts or numbers: values of the primary key, or of the column id.
//
//	notes := lina.Table("plugin_my_notes")
//	notes.Create(map[string]any{"title": "Milk"})
//	total, err := notes.Where("author", name).OrderBy("createdAt", "desc").Page(1, 20).List(&records)
type Table string

// Change is what a change did: how many rows it met, and the key of the row as JSON, empty when the host gives none.
type Change struct {
	Rows int64
	Key  json.RawMessage
}

// Get reads the record of a key into record; false when there is none.
func (t Table) Get(key, record any) (found bool, err error) {
	text, err := json.Marshal(key)
	if err != nil {
		return false, err
	}
	reply, err := t.ask("get", plan{Table: t, Action: "get", Key: text}.payload())
	var recordJSON []byte
	reader := NewReader(reply, "data get response")
	for err == nil && reader.Next() {
		switch reader.Field {
		case 1:
			found = reader.Bool("found")
		case 2:
			recordJSON = reader.Blob("recordJson")
		default:
			reader.Skip()
		}
	}
	if err == nil {
		err = reader.Err
	}
	if err != nil || !found {
		return false, err
	}
	return true, json.Unmarshal(recordJSON, record)
}

// GetMany reads the records of up to 100 keys, in any order, into a slice; missing ones are left out. Without fields they are whole.
func (t Table) GetMany(keys []any, fields []string, records any) error {
	payload := Writer{}
	for _, key := range keys {
		text, err := json.Marshal(key)
		if err != nil {
			return err
		}
		payload.Blob(1, text)
	}
	for _, field := range fields {
		payload.Text(2, field)
	}
	reply, err := t.ask("batch_get", payload.Bytes)
	_, err = readRecords(reply, err, records, false)
	return err
}

func (t Table) Create(record any) (Change, error) {
	return t.change("create", operation{record: record, hasRecord: true})
}

// Update sets some fields of a record; no row is met when there is none of that key.
func (t Table) Update(key, record any) (Change, error) {
	return t.change("update", operation{key: key, hasKey: true, record: record, hasRecord: true})
}

func (t Table) Delete(key any) (Change, error) {
	return t.change("delete", operation{key: key, hasKey: true})
}

// Query asks for all records, page by page.
func (t Table) Query() *Query { return &Query{plan{Table: t}, nil} }

func (t Table) Where(field string, value any) *Query { return t.Query().Where(field, value) }

// Query says which records, in what order, and which of their fields. All conditions must hold.
type Query struct {
	plan plan
	err  error
}

// Select makes records hold only these fields.
func (q *Query) Select(fields ...string) *Query {
	q.plan.Fields = append(q.plan.Fields, fields...)
	return q
}

// Where asks that a field equals a text, number or truth value; with nil it has no value.
func (q *Query) Where(field string, value any) *Query {
	return q.filter(filter{Field: field, Operator: "eq", Value: q.encode(value)})
}

func (q *Query) WhereIn(field string, values ...any) *Query {
	texts := make([][]byte, len(values))
	for i, value := range values {
		texts[i] = q.encode(value)
	}
	return q.filter(filter{Field: field, Operator: "in", Values: texts})
}

// WhereLike asks that a field contains a text; % and _ in it stand for any.
func (q *Query) WhereLike(field, text string) *Query {
	return q.filter(filter{Field: field, Operator: "like", Value: q.encode(text)})
}

// OrderBy sorts asc or desc; a second order decides where the first does not.
func (q *Query) OrderBy(field, direction string) *Query {
	q.plan.Orders = append(q.plan.Orders, order{field, direction})
	return q
}

// Page counts from 1 and has at most 100 records; without it, page 1 of 10.
func (q *Query) Page(number, size int) *Query {
	q.plan.Page = &page{number, size}
	return q
}

// List reads a page of records into a slice and tells how many there are on all pages.
func (q *Query) List(records any) (total int, err error) {
	reply, err := q.ask("list")
	return readRecords(reply, err, records, true)
}

// First reads the first record; false when there is none.
func (q *Query) First(record any) (bool, error) {
	var records []json.RawMessage
	if _, err := q.Page(1, 1).List(&records); err != nil || len(records) == 0 {
		return false, err
	}
	return true, json.Unmarshal(records[0], record)
}

// Count tells how many records there are.
func (q *Query) Count() (int, error) {
	var none []json.RawMessage
	reply, err := q.ask("count")
	return readRecords(reply, err, &none, true)
}

func (q *Query) filter(condition filter) *Query {
	q.plan.Filters = append(q.plan.Filters, condition)
	return q
}

func (q *Query) encode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		q.err = err
	}
	return text
}

func (q *Query) ask(action string) ([]byte, error) {
	if q.err != nil {
		return nil, q.err
	}
	asked := q.plan
	asked.Action = action
	return asked.Table.ask("list", asked.payload())
}

// Transaction is changes of one table that happen all or not at all, with Commit.
type Transaction struct {
	table      Table
	operations []operation
}

func (t Table) Transaction() *Transaction { return &Transaction{table: t} }

func (tx *Transaction) Create(record any) *Transaction {
	return tx.add(operation{method: "create", record: record, hasRecord: true})
}

func (tx *Transaction) Update(key, record any) *Transaction {
	return tx.add(operation{method: "update", key: key, hasKey: true, record: record, hasRecord: true})
}

func (tx *Transaction) Delete(key any) *Transaction {
	return tx.add(operation{method: "delete", key: key, hasKey: true})
}

func (tx *Transaction) add(op operation) *Transaction {
	tx.operations = append(tx.operations, op)
	return tx
}

// Commit gives the changes in order (the host leaves out those that did nothing), and all rows met.
func (tx *Transaction) Commit() (changes []Change, rows int64, err error) {
	payload := Writer{}
	for _, op := range tx.operations {
		entry := Writer{}
		entry.Text(1, op.method)
		if err := op.write(&entry, 2); err != nil {
			return nil, 0, err
		}
		payload.Message(1, entry.Bytes)
	}
	reply, err := tx.table.ask("transaction", payload.Bytes)
	reader := NewReader(reply, "record store transaction response")
	for err == nil && reader.Next() {
		switch reader.Field {
		case 1:
			result := NewReader(reader.Blob("result"), "data mutation response")
			changes = append(changes, readChange(result))
			reader.adopt(result)
		case 2:
			rows = int64(reader.Uint("affectedRows"))
		default:
			reader.Skip()
		}
	}
	if err == nil {
		err = reader.Err
	}
	return changes, rows, err
}

type operation struct {
	method            string
	key, record       any
	hasKey, hasRecord bool
}

// write adds key and record as fields of these numbers.
func (op operation) write(out *Writer, field int) error {
	for _, part := range []struct {
		there bool
		value any
	}{{op.hasKey, op.key}, {op.hasRecord, op.record}} {
		if part.there {
			text, err := json.Marshal(part.value)
			if err != nil {
				return err
			}
			out.Blob(field, text)
		}
		field++
	}
	return nil
}

func (t Table) change(method string, op operation) (Change, error) {
	payload := Writer{}
	if err := op.write(&payload, 1); err != nil {
		return Change{}, err
	}
	reply, err := t.ask(method, payload.Bytes)
	if err != nil {
		return Change{}, err
	}
	reader := NewReader(reply, "data mutation response")
	change := readChange(reader)
	return change, reader.Err
}

func (t Table) ask(method string, payload []byte) ([]byte, error) {
	return Invoke(Call{Service: "data", Method: method, Table: string(t), Payload: payload})
}

type plan struct {
	Table   Table    `json:"table"`
	Action  string   `json:"action"`
	Fields  []string `json:"fields,omitempty"`
	Filters []filter `json:"filters,omitempty"`
	Orders  []order  `json:"orders,omitempty"`
	Page    *page    `json:"page,omitempty"`
	Key     []byte   `json:"keyJson,omitempty"`
}

type filter struct {
	Field    string   `json:"field"`
	Operator string   `json:"operator"`
	Value    []byte   `json:"valueJson,omitempty"`
	Values   [][]byte `json:"valuesJson,omitempty"`
}

type order struct {
	Field     string `json:"field"`
	Direction string `json:"direction"`
}

type page struct {
	Number int `json:"pageNum"`
	Size   int `json:"pageSize"`
}

func (p plan) payload() []byte {
	text, _ := json.Marshal(p) // texts, bytes and numbers: nothing that could fail
	out := Writer{}
	out.Blob(1, text)
	return out.Bytes
}

// readRecords reads {1: each record, 2: total}; in the reply of batch_get field 2 is a missing key.
func readRecords(reply []byte, err error, records any, hasTotal bool) (total int, _ error) {
	var texts [][]byte
	reader := NewReader(reply, "data list response")
	for err == nil && reader.Next() {
		switch {
		case reader.Field == 1:
			texts = append(texts, reader.Blob("record"))
		case hasTotal && reader.Field == 2:
			total = int(reader.Int32("total"))
		default:
			reader.Skip()
		}
	}
	if err == nil {
		err = reader.Err
	}
	if err != nil {
		return 0, err
	}
	list := append(append([]byte{'['}, bytes.Join(texts, []byte{','})...), ']')
	return total, json.Unmarshal(list, records)
}

// readChange reads {1: rows, 2: key}.
func readChange(reader *Reader) (change Change) {
	for reader.Next() {
		switch reader.Field {
		case 1:
			change.Rows = int64(reader.Uint("affectedRows"))
		case 2:
			change.Key = reader.Blob("keyJson")
		default:
			reader.Skip()
		}
	}
	return change
}
