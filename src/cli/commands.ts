/** Every command of `sandpool`, in the order of its help. README's table is made from this list. */
import type { Command, CommandOption } from './command.js';

const option = (flags: string, sentence: string): CommandOption => ({ flags, sentence });

const CONFIG = option('-c, --config <file>', 'configuration file; ./sandpool.yaml if present');
const HOST = [
  option('--url <url>', 'address of the host; SANDPOOL_URL, or http://127.0.0.1:9120'),
  option('--token <token>', 'access token; SANDPOOL_TOKEN, or the one that login stored'),
];
const GRANT = option(
  '--grant <all|none|file>',
  'which of the declared host services to grant, or a JSON file that says so',
);
const OVERWRITE = option('--overwrite', 'replace an uploaded artifact that is not installed');

// biome-ignore format: a table
export const COMMANDS: readonly Command[] = [
  { name: 'serve', summary: 'run the host',
    options: [CONFIG, option('--port <port>', 'port to listen on'), option('--host <address>', 'address to listen on'), option('--data <dir>', 'data directory'),
      option('--demo', 'install and enable the sample plugin on the first start')],
    example: 'sandpool serve --port 9120', load: () => import('./serve.js') },
  { name: 'run', args: '<file> <method> <path>', summary: 'execute one route of an artifact, with nothing installed and nothing kept',
    options: [{ flags: '-H, --header <line>', sentence: 'a request header, name:value; may be repeated', repeats: true },
      option('-d, --data <body>', 'the request body, or @file'), option('--grant <all|none|file>', 'what the plugin may ask of the host; all'),
      option('--anonymous', 'send no identity; without it user 1 asks, who may do everything'), CONFIG],
    example: 'sandpool run temp/output/acme-notes.wasm GET /notes', load: () => import('./run.js') },
  { name: 'wire', args: '<decode|encode> [type] [value]', summary: 'convert wire messages between bytes and JSON; without a value, lines TYPE<TAB>VALUE of stdin',
    example: 'sandpool wire decode HostServiceRequestEnvelope 0a0772756e74696d65', load: () => import('./wire.js') },
  { name: 'new', args: '<id>', summary: 'scaffold a plugin directory that packs and runs',
    options: [option('--lang <language>', 'assemblyscript (default) or go')],
    example: 'sandpool new acme-notes', load: () => import('./new.js') },
  { name: 'pack', args: '<dir>', summary: 'build a plugin directory into an artifact, temp/output/<id>.wasm',
    options: [option('-o, --output <file>', 'where to write it'), option('--wasm <file>', 'a module that is built already')],
    example: 'sandpool pack acme-notes', load: () => import('./pack.js') },
  { name: 'inspect', args: '<file>', summary: 'parse and validate an artifact: identity, sections, routes, host services, checksum',
    example: 'sandpool inspect temp/output/acme-demo.wasm', load: () => import('./inspect.js') },
  { name: 'config', summary: 'show the effective configuration and where each value comes from',
    options: [CONFIG, option('--schema', 'print the JSON schema of the file, for editors')],
    example: 'sandpool config --schema > sandpool.schema.json', load: () => import('./config.js') },
  { name: 'login', summary: 'store a token for a host',
    options: [HOST[0]!, option('--username <name>', 'user to log in; admin'), option('--password-stdin', 'read the password from stdin without asking')],
    example: 'sandpool login --url http://127.0.0.1:9120', load: () => import('./login.js') },
  { name: 'list', summary: 'list the plugins of a host',
    options: HOST, example: 'sandpool list', load: () => import('./list.js') },
  { name: 'show', args: '<id>', summary: 'show one plugin: state, host services, routes',
    options: HOST, example: 'sandpool show acme-demo', load: () => import('./show.js') },
  { name: 'upload', args: '<file>', summary: 'upload an artifact',
    options: [OVERWRITE, ...HOST], example: 'sandpool upload temp/output/acme-demo.wasm', load: () => import('./upload.js') },
  { name: 'install', args: '<file|id>', summary: 'install a plugin; an artifact file is uploaded first',
    options: [option('--enable', 'enable it too'), GRANT, OVERWRITE, ...HOST],
    example: 'sandpool install temp/output/acme-demo.wasm --grant all --enable', load: () => import('./install.js') },
  { name: 'enable', args: '<id>', summary: 'enable an installed plugin',
    options: [GRANT, ...HOST], example: 'sandpool enable acme-demo', load: () => import('./enable.js') },
  { name: 'disable', args: '<id>', summary: 'disable a plugin; its data stays',
    options: HOST, example: 'sandpool disable acme-demo', load: () => import('./disable.js') },
  { name: 'release', args: '<id>', summary: 'let a plugin out of quarantine at once',
    options: HOST, example: 'sandpool release acme-demo', load: () => import('./release.js') },
  { name: 'bench', args: '[case...]', summary: 'measure this version on this machine, each case against its rival',
    options: [option('--rounds <n>', 'interleaved rounds; 5')], example: 'sandpool bench isolation http', load: () => import('./bench.js') },
  { name: 'tune', summary: 'find settings for this machine and a plugin, and write them with the evidence',
    options: [option('--plugin <file>', 'artifact to measure; the sample plugin'), option('--request <line>', 'what to ask it; its first public GET route'),
      option('-d, --data <body>', 'body of the request, or @file'), option('--target <rps|p99>', 'what shall be best; rps'),
      option('--isolation', 'choose the isolation by speed too, and not only measure it'), option('--rounds <n>', 'interleaved rounds; 3'),
      option('--round-ms <ms>', 'length of one load; 1000'), option('-o, --output <file>', 'where to write the configuration')],
    example: "sandpool tune --plugin temp/output/acme-notes.wasm --request 'GET /notes' -o sandpool.yaml", load: () => import('./tune.js') },
];
