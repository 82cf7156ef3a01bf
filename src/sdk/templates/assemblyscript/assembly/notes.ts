import { Json, runtime } from '../sdk';

const KEY = 'notes';

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
 * All notes, newest first. They are one value of the plugin's state, which is the simplest thing that works: of two writes in
 * the same instant the later one wins. A plugin that outgrows this keeps its records in tables, through the `data` service.
 */
export function readNotes(): Note[] {
  const list = runtime.state.getJson(KEY).value;
  const notes: Note[] = [];
  for (let i = 0; i < list.length; i++) notes.push(Note.of(list.at(i)));
  return notes;
}

export function storeNotes(notes: Note[]): void {
  const list = Json.list();
  for (let i = 0; i < notes.length; i++) list.push(notes[i].toJson());
  assert(runtime.state.setJson(KEY, list).value);
}
