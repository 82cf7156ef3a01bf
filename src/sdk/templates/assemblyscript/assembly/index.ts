import { Fields, Input, Json, LifecycleEvent, Request, Response, Verdict, allow, badRequest, json, noContent, notFound, router } from '../sdk';
import { hostconfig, html, manifest, plugins, runtime, unauthorized } from '../sdk';
import { Note, readNotes, storeNotes } from './notes';
import { renderPage } from './page';

export { lina_dynamic_route_alloc, lina_dynamic_route_execute, lina_host_call_alloc } from '../sdk';

router
  .on('ListNotesReq', listNotes)
  .on('GetNoteReq', getNote)
  .handle<CreateNoteReq>(createNote)
  .on('DeleteNoteReq', deleteNote)
  .on('PageReq', (request) => html(renderPage(plugins.config.getString('title', 'Notebook').value, readNotes())))
  .on('AboutReq', about)
  .onLifecycle('AfterInstall', afterInstall);

function listNotes(request: Request): Response {
  const notes = readNotes();
  const items = Json.list();
  for (let i = 0; i < notes.length; i++) items.push(notes[i].toJson());
  return json(Json.object().set('items', items).set('total', notes.length));
}

function getNote(request: Request): Response {
  const notes = readNotes();
  const index = indexOf(notes, request.param('id'));
  return index < 0 ? notFound('there is no such note') : json(notes[index].toJson());
}

class CreateNoteReq extends Input {
  title: string = '';
  text: string = '';

  read(fields: Fields): void {
    this.title = fields.requireText('title');
    this.text = fields.text('text');
    if (this.title.length > 200) fields.reject('title is longer than 200 characters');
    if (this.text.length > 10000) fields.reject('text is longer than 10000 characters');
  }
}

function createNote(input: CreateNoteReq, request: Request): Response {
  const identity = request.identity;
  if (!identity) return unauthorized();
  const notes = readNotes();
  const maxNotes = plugins.config.getInt('maxNotes', 100).value;
  if (notes.length >= <i32>maxNotes) return badRequest(`the notebook is full: it holds ${maxNotes} notes`);
  const note = new Note(runtime.info.uuid().value, input.title, input.text, identity.username, runtime.info.now().value);
  notes.unshift(note);
  storeNotes(notes);
  runtime.log.info('note written', new Map<string, string>().set('id', note.id).set('by', note.author));
  return json(note.toJson()).status(201).header('Location', `/x/${request.pluginId}/notes/${note.id}`);
}

function deleteNote(request: Request): Response {
  const notes = readNotes();
  const index = indexOf(notes, request.param('id'));
  if (index < 0) return notFound('there is no such note');
  notes.splice(index, 1);
  storeNotes(notes);
  return noContent();
}

function about(request: Request): Response {
  return json(
    Json.object()
      .set('plugin', request.pluginId)
      .set('title', plugins.config.getString('title', 'Notebook').value)
      .set('maxNotes', plugins.config.getInt('maxNotes', 100).value)
      .set('notes', readNotes().length)
      .set('about', manifest.getJson('resources/about.json').value)
      .set('adminPath', hostconfig.getString('workspace.basePath').value)
      .set('node', runtime.info.node().value),
  );
}

/** The first note comes with the plugin. When its grant is missing, the notebook just begins empty. */
function afterInstall(event: LifecycleEvent): Verdict {
  const welcome = manifest.getJson('resources/welcome.json').or(Json.missing);
  if (welcome.isMissing || readNotes().length > 0) return allow();
  const now = runtime.info.now().value;
  storeNotes([new Note('welcome', welcome.get('title').asText(), welcome.get('text').asText(), 'sandpool', now)]);
  return allow();
}

function indexOf(notes: Note[], id: string): i32 {
  for (let i = 0; i < notes.length; i++) {
    if (notes[i].id == id) return i;
  }
  return -1;
}
