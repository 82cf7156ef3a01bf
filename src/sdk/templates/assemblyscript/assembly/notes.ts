import { Json, cache, data, plugins, runtime, storage } from '../sdk';

const TABLE = 'plugin_sandpool_notes';
const FRONT = 'front';
/** As many as one page of the table has. */
const MOST_NOTES: i64 = 100;

export class Note {
  constructor(
    readonly id: string,
    readonly title: string,
    readonly text: string,
    readonly author: string,
    /** Milliseconds since 1970. */
    readonly writtenAt: i64,
  ) {}

  static of(json: Json): Note {
    return new Note(
      json.get('id').asText(),
      json.get('title').asText(),
      json.get('text').asText(),
      json.get('author').asText(),
      json.get('writtenAt').asInt(),
    );
  }

  toJson(): Json {
    return Json.object()
      .set('id', this.id)
      .set('title', this.title)
      .set('text', this.text)
      .set('author', this.author)
      .set('writtenAt', this.writtenAt);
  }
}

/**
 * What anyone may read, newest first. The host lets users, jobs and lifecycle callbacks into tables, but not the public; so a
 * copy of the notes is kept in the plugin's state.
 */
export function frontPage(): Note[] {
  return notesOf(runtime.state.getJson(FRONT).value);
}

/** Copies the notes to where anyone may read them. Of two writes in the same instant it may miss one, until the job comes by. */
export function publish(): Note[] {
  const notes = allNotes();
  assert(runtime.state.setJson(FRONT, listOf(notes)).value);
  cache.delete('authors', 'counts');
  return notes;
}

/** All notes, newest first. Reading `value` of a call that failed ends the request: there is no sensible answer without it. */
export function allNotes(): Note[] {
  const found = data.table(TABLE).query().orderBy('writtenAt', 'desc').orderBy('id').page(1, <i32>MOST_NOTES).list();
  return fromRecords(found.value.items);
}

export function findByTitle(title: string): Note[] {
  return fromRecords(data.table(TABLE).query().whereLike('title', title).orderBy('writtenAt', 'desc').page(1, 20).list().value.items);
}

export function noteCount(): i32 {
  return data.table(TABLE).query().count().value;
}

export function maxNotes(): i64 {
  return min(plugins.config.getInt('maxNotes', MOST_NOTES).value, MOST_NOTES);
}

export function addNote(note: Note): void {
  data.table(TABLE).create(note.toJson()).value;
  publish();
}

/** False when there is no such note. */
export function removeNote(id: string): bool {
  if (data.table(TABLE).delete(id).value.rows == 0) return false;
  storage.delete(attachmentPath(id)).value;
  publish();
  return true;
}

export function hasNote(id: string): bool {
  return data.table(TABLE).get(id).value != null;
}

export function attachmentPath(id: string): string {
  return `attachments/${id}`;
}

/** How many notes each author has written, counted at most once a minute. */
export function authorCounts(): string {
  const kept = cache.getText('authors', 'counts').or(null);
  if (kept != null) return kept;
  const counts = Json.object();
  const notes = allNotes();
  for (let i = 0; i < notes.length; i++) {
    counts.set(notes[i].author, counts.get(notes[i].author).asInt() + 1);
  }
  // What is too large for the cache is counted again next time.
  cache.set('authors', 'counts', counts.toString(), 60);
  return counts.toString();
}

export function listOf(notes: Note[]): Json {
  const list = Json.list();
  for (let i = 0; i < notes.length; i++) list.push(notes[i].toJson());
  return list;
}

function notesOf(list: Json): Note[] {
  const notes: Note[] = [];
  for (let i = 0; i < list.length; i++) notes.push(Note.of(list.at(i)));
  return notes;
}

function fromRecords(records: Json[]): Note[] {
  const notes: Note[] = [];
  for (let i = 0; i < records.length; i++) notes.push(Note.of(records[i]));
  return notes;
}
