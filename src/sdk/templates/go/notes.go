package main

import (
	"encoding/json"
	"errors"

	"example.com/sandpool-notes/lina"
)

const (
	table = lina.Table("plugin_sandpool_notes")
	front = "front"
	// mostNotes is as many as one page of the table has.
	mostNotes = 100
)

var errFull = errors.New("the notebook is full")

type note struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Text   string `json:"text"`
	Author string `json:"author"`
	// Milliseconds since 1970.
	WrittenAt int64 `json:"writtenAt"`
}

// frontPage gives what anyone may read, newest first. The host lets users, jobs and lifecycle callbacks into tables, but not the
// public; so a copy of the notes is kept in the plugin's state.
func frontPage() ([]note, error) {
	notes := []note{}
	text, found, err := lina.StateGet(front)
	if err != nil || !found {
		return notes, err
	}
	err = json.Unmarshal([]byte(text), &notes)
	return notes, err
}

// publish copies the notes to where anyone may read them. Of two writes in the same instant it may miss one, until the job comes by.
func publish() ([]note, error) {
	notes, err := allNotes()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(notes)
	if err != nil {
		return nil, err
	}
	lina.CacheDelete("authors", "counts")
	return notes, lina.StateSet(front, string(text))
}

// allNotes gives all notes, newest first.
func allNotes() ([]note, error) {
	notes := []note{}
	_, err := table.Query().OrderBy("writtenAt", "desc").OrderBy("id", "asc").Page(1, mostNotes).List(&notes)
	return notes, err
}

func findByTitle(title string) ([]note, error) {
	notes := []note{}
	_, err := table.Query().WhereLike("title", title).OrderBy("writtenAt", "desc").Page(1, 20).List(&notes)
	return notes, err
}

func addNote(title, text, author string) (note, error) {
	count, err := table.Query().Count()
	if err != nil {
		return note{}, err
	}
	if count >= maxNotes() {
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
	if err := store(written); err != nil {
		return note{}, err
	}
	return written, lina.Log(2, "note written", map[string]string{"id": id, "by": author})
}

func store(written note) error {
	if _, err := table.Create(written); err != nil {
		return err
	}
	_, err := publish()
	return err
}

// removeNote is false when there is no such note.
func removeNote(id string) (bool, error) {
	change, err := table.Delete(id)
	if err != nil || change.Rows == 0 {
		return false, err
	}
	if err := lina.StorageDelete(attachmentPath(id)); err != nil {
		return false, err
	}
	_, err = publish()
	return true, err
}

func attachmentPath(id string) string { return "attachments/" + id }

// authorCounts tells how many notes each author has written, counted at most once a minute.
func authorCounts() (map[string]int, error) {
	counts := map[string]int{}
	if kept, found, err := lina.CacheGet("authors", "counts"); err == nil && found {
		return counts, json.Unmarshal([]byte(kept.Text), &counts)
	}
	notes, err := allNotes()
	if err != nil {
		return nil, err
	}
	for _, note := range notes {
		counts[note.Author]++
	}
	text, err := json.Marshal(counts)
	if err != nil {
		return nil, err
	}
	lina.CacheSet("authors", "counts", string(text), 60) // what is too large for the cache is counted again next time
	return counts, nil
}

func title() string {
	title := "Notebook"
	lina.Config("title", &title)
	return title
}

func maxNotes() int {
	max := mostNotes
	lina.Config("maxNotes", &max)
	return min(max, mostNotes)
}
