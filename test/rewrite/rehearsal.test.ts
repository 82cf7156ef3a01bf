import t from 'tap';
import { rehearsalModule } from '../../src/rewrite/rehearsal.js';
import { rewriteModule } from '../../src/rewrite/rewrite.js';

t.test('the module to rehearse with is valid, and goes through every pass of the rewriter', async (t) => {
  const module = rehearsalModule(60);
  t.ok(WebAssembly.validate(module));
  const { bytes, layout } = rewriteModule(module, { maxPages: 16, dirtyPages: true, fuel: true });
  t.ok(WebAssembly.validate(bytes));
  t.match(layout, { memoryExport: String, sizeGlobal: String, fuelGlobal: String, initializeExport: String });
});
