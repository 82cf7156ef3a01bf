// Notes: a small notebook. Anyone may read it; writing needs a login.
package main

import (
	"encoding/json"
	"fmt"
	"html"
	"strings"

	"example.com/sandpool-notes/lina"
)

func init() {
	lina.On("ListNotesReq", listNotes)
	lina.On("GetNoteReq", getNote)
	lina.On("CreateNoteReq", createNote)
	lina.On("DeleteNoteReq", deleteNote)
	lina.On("GetAttachmentReq", getAttachment)
	lina.On("PutAttachmentReq", putAttachment)
	lina.On("SearchNotesReq", searchNotes)
	lina.On("AuthorsReq", func(*lina.Request) lina.Response { return answer(authorCounts()) })
	lina.On("ExportReq", getExport)
	lina.On("PageReq", showPage)
	lina.On("AboutReq", about)
	lina.OnJob(lina.Job{Name: "export", Pattern: "*/5 * * * *"}, "ExportJobReq", exportNotes)
	lina.OnLifecycle("AfterInstall", afterInstall)
}

// main is never called: the plugin is a library of the host.
func main() {}

func listNotes(request *lina.Request) lina.Response { return answerNotes(frontPage()) }

func searchNotes(request *lina.Request) lina.Response {
	title := request.Query["title"]
	if len(title) == 0 || title[0] == "" {
		return lina.BadRequest("title is required")
	}
	return answerNotes(findByTitle(title[0]))
}

func answerNotes(notes []note, err error) lina.Response {
	return answer(map[string]any{"items": notes, "total": len(notes)}, err)
}

func answer[Value any](value Value, err error) lina.Response {
	if err != nil {
		return lina.InternalError(err.Error())
	}
	return lina.JSON(value)
}

func getNote(request *lina.Request) lina.Response {
	notes, err := frontPage()
	if err != nil {
		return lina.InternalError(err.Error())
	}
	for _, note := range notes {
		if note.ID == request.Params["id"] {
			return lina.JSON(note)
		}
	}
	return noNote()
}

func noNote() lina.Response { return lina.NotFound("there is no such note") }

func createNote(request *lina.Request) lina.Response {
	if request.Identity == nil {
		return lina.Unauthorized("")
	}
	var input struct{ Title, Text string }
	if len(request.Body) == 0 {
		return lina.BadRequest("request body cannot be empty")
	}
	if err := json.Unmarshal(request.Body, &input); err != nil {
		return lina.BadRequest("request body is not JSON: " + err.Error())
	}
	if strings.TrimSpace(input.Title) == "" {
		return lina.BadRequest("title is required")
	}
	if len(input.Title) > 200 {
		return lina.BadRequest("title is longer than 200 bytes")
	}
	note, err := addNote(input.Title, input.Text, request.Identity.Username)
	if err == errFull {
		return lina.BadRequest(err.Error())
	}
	if err != nil {
		return lina.InternalError(err.Error())
	}
	response := lina.JSON(note)
	response.Status = 201
	response.Headers = map[string][]string{"Location": {"/x/" + request.PluginID + "/notes/" + note.ID}}
	return response
}

func deleteNote(request *lina.Request) lina.Response {
	found, err := removeNote(request.Params["id"])
	if err != nil {
		return lina.InternalError(err.Error())
	}
	if !found {
		return noNote()
	}
	return lina.Response{Status: 204}
}

// getAttachment gives a file at a note; browsers save it and never show it, because anybody with a login may have put it there.
func getAttachment(request *lina.Request) lina.Response {
	_, body, found, err := lina.StorageGet(attachmentPath(request.Params["id"]))
	if err != nil {
		return lina.InternalError(err.Error())
	}
	if !found {
		return lina.NotFound("there is no file at this note")
	}
	headers := map[string][]string{"Content-Disposition": {"attachment"}}
	return lina.Response{Status: 200, ContentType: "application/octet-stream", Headers: headers, Body: body}
}

func putAttachment(request *lina.Request) lina.Response {
	var kept note
	found, err := table.Get(request.Params["id"], &kept)
	if err != nil {
		return lina.InternalError(err.Error())
	}
	if !found {
		return noNote()
	}
	stored, err := lina.StoragePut(attachmentPath(kept.ID), request.Body, request.ContentType, true)
	return answer(map[string]any{"path": stored.Path, "sizeBytes": stored.Size}, err)
}

const exportPath = "exports/notes.json"

// exportNotes runs every five minutes: the notes as a file, and the front page put right.
func exportNotes(request *lina.Request) lina.Response {
	notes, err := publish()
	if err != nil {
		return lina.InternalError(err.Error())
	}
	text, err := json.Marshal(notes)
	if err != nil {
		return lina.InternalError(err.Error())
	}
	_, err = lina.StoragePut(exportPath, text, "application/json", true)
	return answer(map[string]int{"notes": len(notes)}, err)
}

func getExport(request *lina.Request) lina.Response {
	_, body, found, err := lina.StorageGet(exportPath)
	if err != nil {
		return lina.InternalError(err.Error())
	}
	if !found {
		return lina.NotFound("the job that writes the file has not run yet")
	}
	return lina.Response{Status: 200, ContentType: "application/json", Body: body}
}

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%[1]s</title>
<style>
  body { max-width: 40rem; margin: 3rem auto; padding: 0 1rem; font: 1rem/1.6 system-ui, sans-serif; color-scheme: light dark; }
  article { border-top: 1px solid #8884; padding: 1rem 0; }
  h2 { margin: 0; font-size: 1.1rem; }
  p { margin: .25rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
  small { opacity: .7; }
</style>
<h1>%[1]s</h1>
%[2]s</html>
`

// showPage renders the notebook for browsers without script. Whatever people wrote is escaped.
func showPage(request *lina.Request) lina.Response {
	notes, err := frontPage()
	if err != nil {
		return lina.InternalError(err.Error())
	}
	items := ""
	for _, note := range notes {
		items += fmt.Sprintf("<article><h2>%s</h2><p>%s</p><small>%s</small></article>\n",
			html.EscapeString(note.Title), html.EscapeString(note.Text), html.EscapeString(note.Author))
	}
	if items == "" {
		items = "<p>Nothing is written yet.</p>\n"
	}
	return lina.HTML(fmt.Sprintf(page, html.EscapeString(title()), items))
}

func about(request *lina.Request) lina.Response {
	notes, err := frontPage()
	if err != nil {
		return lina.InternalError(err.Error())
	}
	file, _, err := lina.ManifestGet("resources/about.json")
	if err != nil {
		return lina.InternalError(err.Error())
	}
	if len(file) == 0 {
		file = []byte("null")
	}
	var adminPath string
	if err := lina.HostConfig("workspace.basePath", &adminPath); err != nil {
		return lina.InternalError(err.Error())
	}
	node, err := lina.Node()
	if err != nil {
		return lina.InternalError(err.Error())
	}
	return lina.JSON(map[string]any{
		"plugin": request.PluginID, "title": title(), "maxNotes": maxNotes(), "notes": len(notes),
		"about": json.RawMessage(file), "adminPath": adminPath, "node": node,
	})
}

// The first note comes with the plugin. When a grant is missing, the notebook just begins empty.
func afterInstall(event lina.Event) (veto string, err error) {
	file, found, err := lina.ManifestGet("resources/welcome.json")
	notes, readErr := frontPage()
	if err != nil || readErr != nil || !found || len(notes) > 0 {
		return "", nil
	}
	var welcome note
	if err := json.Unmarshal(file, &welcome); err != nil {
		return "", fmt.Errorf("welcome.json: %w", err)
	}
	welcome.ID, welcome.Author = "welcome", "sandpool"
	if welcome.WrittenAt, err = lina.Now(); err != nil {
		return "", err
	}
	return "", store(welcome)
}
