// Writes src/api/schema.d.ts, the types of what the API takes and gives, out of `yunhai openapi`,
// and beside it the names that the interface lists, since types are gone when it runs.
// With --check it writes nothing and fails when a file is not what the program says now.
//
// YUNHAI_BINARY  the program (default target/debug/yunhai)
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BINARY = process.env.YUNHAI_BINARY ?? fileURLToPath(new URL('../../target/debug/yunhai', import.meta.url));
const FOLDER = fileURLToPath(new URL('../src/api/', import.meta.url));
// The generator wants an older TypeScript than the interface is checked with, so it is no dependency.
const TOOL = ['--yes', '--package=typescript@5.9.3', '--package=openapi-typescript@7.13.0', 'openapi-typescript'];

/** The types of the schemas; the paths are not typed. */
function typesOf(description) {
  const folder = mkdtempSync(join(tmpdir(), 'yunhai-schema-'));
  try {
    const [from, to] = [join(folder, 'openapi.json'), join(folder, 'schema.d.ts')];
    writeFileSync(from, JSON.stringify({ ...description, paths: {} }));
    execFileSync('npx', [...TOOL, from, '-o', to], { stdio: ['ignore', 'ignore', 'inherit'] });
    return readFileSync(to, 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const description = JSON.parse(execFileSync(BINARY, ['openapi'], { encoding: 'utf8', maxBuffer: 2 ** 26 }));
const namesOf = (schema) => `${JSON.stringify(description.components.schemas[schema].enum, null, 2)}\n`;
const files = {
  'schema.d.ts': typesOf(description),
  'auditActions.json': namesOf('AuditAction'),
  'auditTargetKinds.json': namesOf('AuditTargetKind'),
};
for (const [name, current] of Object.entries(files)) {
  const path = join(FOLDER, name);
  if (!process.argv.includes('--check')) {
    writeFileSync(path, current);
  } else if (readFileSync(path, 'utf8') !== current) {
    console.error(`src/api/${name} is not what the API says: run \`npm run generate\` in web/`);
    process.exitCode = 1;
  }
}
