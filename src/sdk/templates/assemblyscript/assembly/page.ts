import { escapeHtml } from '../sdk';
import { Note } from './notes';

/** The notebook as a page that needs no script. Whatever people wrote is escaped. */
export function renderPage(title: string, notes: Note[]): string {
  let items = '';
  for (let i = 0; i < notes.length; i++) items += renderNote(notes[i]);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>
  body { max-width: 40rem; margin: 3rem auto; padding: 0 1rem; font: 1rem/1.6 system-ui, sans-serif; color-scheme: light dark; }
  article { border-top: 1px solid #8884; padding: 1rem 0; }
  h2 { margin: 0; font-size: 1.1rem; }
  p { margin: .25rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
  small { opacity: .7; }
</style>
<h1>${escapeHtml(title)}</h1>
${items.length > 0 ? items : '<p>Nothing is written yet.</p>'}
</html>
`;
}

function renderNote(note: Note): string {
  const title = escapeHtml(note.title);
  return `<article><h2>${title}</h2><p>${escapeHtml(note.text)}</p><small>${escapeHtml(note.author)}</small></article>\n`;
}
