package main

import (
	"encoding/json"
	"errors"

	"example.com/sandpool-notes/lina"
)

const key = "notes"

var errFull = errors.New("the notebook is full")

type note struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Text   string `json:"text"`
	Author string `json:"author"`
	// Milliseconds since 1970.
	WrittenAt int64 `json:"writtenAt"`
}

// readNotes gives all notes, newest first. They are one value of the plugin's state, which is the simplest thing that works: of
// two writes in the same instant the later one wins. A plugin that outgrows this keeps its records in tables, through the data
// service.
func readNotes() ([]note, error) {
	notes := []note{}
	text, found, err := lina.StateGet(key)
	if err != nil || !found {
		return notes, err
	}
	err = json.Unmarshal([]byte(text), &notes)
	return notes, err
}

func storeNotes(notes []note) error {
	text, err := json.Marshal(notes)
	if err != nil {
		return err
	}
	return lina.StateSet(key, string(text))
}

func addNote(title, text, author string) (note, error) {
	notes, err := readNotes()
	if err != nil {
		return note{}, err
	}
	if len(notes) >= maxNotes() {
		return note{}, errFull
	}
	id, err := lina.UUID()
	if err != nil {
		return note{}, err
	}
	now, err := lina.Now()
	if err != nil {
		return note{}, err
	}
	written := note{id, title, text, author, now}
	if err := storeNotes(append([]note{written}, notes...)); err != nil {
		return note{}, err
	}
	return written, lina.Log(2, "note written", map[string]string{"id": id, "by": author})
}

func removeNote(id string) (bool, error) {
	notes, err := readNotes()
	if err != nil {
		return false, err
	}
	for i, note := range notes {
		if note.ID == id {
			return true, storeNotes(append(notes[:i], notes[i+1:]...))
		}
	}
	return false, nil
}

func title() string {
	title := "Notebook"
	lina.Config("title", &title)
	return title
}

func maxNotes() int {
	max := 100
	lina.Config("maxNotes", &max)
	return max
}
