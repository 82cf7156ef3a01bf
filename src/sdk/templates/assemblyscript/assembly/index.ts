import { Fields, Input, Json, LifecycleEvent, Request, Response, Verdict, allow, badRequest, json, noContent, notFound, router } from '../sdk';
import { bytes, hostconfig, html, jobs, manifest, plugins, runtime, storage, text, unauthorized } from '../sdk';
import {
  Note, addNote, attachmentPath, authorCounts, findByTitle, frontPage, hasNote, listOf, maxNotes, noteCount, publish, removeNote,
} from './notes';
import { renderPage } from './page';

export { lina_dynamic_route_alloc, lina_dynamic_route_execute, lina_host_call_alloc } from '../sdk';

const EXPORT_PATH = 'exports/notes.json';

router
  .on('ListNotesReq', listNotes)
  .on('GetNoteReq', getNote)
  .handle<CreateNoteReq>(createNote)
  .on('DeleteNoteReq', deleteNote)
  .on('GetAttachmentReq', getAttachment)
  .on('PutAttachmentReq', putAttachment)
  .on('SearchNotesReq', searchNotes)
  .on('AuthorsReq', (request) => text(authorCounts()).type('application/json'))
  .on('ExportReq', getExport)
  .on('PageReq', (request) => html(renderPage(plugins.config.getString('title', 'Notebook').value, frontPage())))
  .on('AboutReq', about)
  .onJob(new jobs.Job('export', '*/5 * * * *', 'ExportJobReq'), exportNotes)
  .onLifecycle('AfterInstall', afterInstall);

function listNotes(request: Request): Response {
  return answer(frontPage());
}

function searchNotes(request: Request): Response {
  const title = request.query('title');
  return title.length == 0 ? badRequest('title is required') : answer(findByTitle(title));
}

function answer(notes: Note[]): Response {
  return json(Json.object().set('items', listOf(notes)).set('total', notes.length));
}

function getNote(request: Request): Response {
  const notes = frontPage();
  for (let i = 0; i < notes.length; i++) {
    if (notes[i].id == request.param('id')) return json(notes[i].toJson());
  }
  return noNote();
}

function noNote(): Response {
  return notFound('there is no such note');
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
  const most = maxNotes();
  if (noteCount() >= <i32>most) return badRequest(`the notebook is full: it holds ${most} notes`);
  const note = new Note(runtime.info.uuid().value, input.title, input.text, identity.username, runtime.info.now().value);
  addNote(note);
  runtime.log.info('note written', new Map<string, string>().set('id', note.id).set('by', note.author));
  return json(note.toJson()).status(201).header('Location', `/x/${request.pluginId}/notes/${note.id}`);
}

function deleteNote(request: Request): Response {
  return removeNote(request.param('id')) ? noContent() : noNote();
}

/** A file at a note; browsers save it and never show it, because anybody with a login may have put it there. */
function getAttachment(request: Request): Response {
  const file = storage.get(attachmentPath(request.param('id'))).value;
  if (!file) return notFound('there is no file at this note');
  return bytes(file.body, 'application/octet-stream').header('Content-Disposition', 'attachment');
}

function putAttachment(request: Request): Response {
  const id = request.param('id');
  if (!hasNote(id)) return noNote();
  const stored = storage.put(attachmentPath(id), request.body, request.contentType, true).value;
  return json(Json.object().set('path', stored.path).set('sizeBytes', stored.sizeBytes));
}

/** Every five minutes: the notes as a file, and the front page put right. */
function exportNotes(request: Request): Response {
  const notes = publish();
  storage.putText(EXPORT_PATH, listOf(notes).toString(), 'application/json', true).value;
  return json(Json.object().set('notes', notes.length));
}

function getExport(request: Request): Response {
  const file = storage.get(EXPORT_PATH).value;
  return file ? bytes(file.body, 'application/json') : notFound('the job that writes the file has not run yet');
}

function about(request: Request): Response {
  return json(
    Json.object()
      .set('plugin', request.pluginId)
      .set('title', plugins.config.getString('title', 'Notebook').value)
      .set('maxNotes', maxNotes())
      .set('notes', frontPage().length)
      .set('about', manifest.getJson('resources/about.json').value)
      .set('adminPath', hostconfig.getString('workspace.basePath').value)
      .set('node', runtime.info.node().value),
  );
}

/** The first note comes with the plugin. When a grant is missing, the notebook just begins empty. */
function afterInstall(event: LifecycleEvent): Verdict {
  const welcome = manifest.getJson('resources/welcome.json').or(Json.missing);
  if (welcome.isMissing || frontPage().length > 0) return allow();
  const now = runtime.info.now().value;
  addNote(new Note('welcome', welcome.get('title').asText(), welcome.get('text').asText(), 'sandpool', now));
  return allow();
}
