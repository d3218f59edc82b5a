import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import actions from '../api/auditActions.json';
import kinds from '../api/auditTargetKinds.json';
import en from './en.json';
import zh from './zh-CN.json';

type Tree = { [key: string]: string | Tree };

function flatten(tree: Tree, prefix = ''): Map<string, string> {
  const all = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') all.set(prefix + key, value);
    else for (const entry of flatten(value, `${prefix}${key}.`)) all.set(...entry);
  }
  return all;
}

const english = flatten(en);
const chinese = flatten(zh);

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.tsx?$/.test(entry.name) && !/\.test\./.test(entry.name) ? [readFileSync(path, 'utf8')] : [];
  });
}

const used = sources('src').flatMap((text) => [...text.matchAll(/\bt\((['`])([^'`]+)\1/g)].map((found) => found[2]));

describe('texts', () => {
  it('exist in both languages', () => {
    expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it('are never empty', () => {
    for (const [key, text] of [...english, ...chinese]) expect(text, key).not.toBe('');
  });

  it('fill in the same names in both languages', () => {
    const names = (text: string) => [...text.matchAll(/\{\{([^}]+)\}\}/g)].map((found) => found[1]).sort();
    for (const [key, text] of english) expect(names(chinese.get(key) ?? ''), key).toEqual(names(text));
  });

  it('exist for every key that the code asks for', () => {
    expect(used.length).toBeGreaterThan(300);
    const missing = used.filter((key) => {
      if (!key.includes('${')) return !english.has(key);
      const pattern = new RegExp(`^${key.replace(/[.]/g, '\\.').replace(/\$\{[^}]+\}/g, '[^.]+')}$`);
      return ![...english.keys()].some((known) => pattern.test(known));
    });
    expect(missing).toEqual([]);
  });

  it('name every action of the audit log, and no others', () => {
    const keys = actions.map((action) => `audit.actions.${action.replace('.', '_')}`);
    expect([...english.keys()].filter((key) => key.startsWith('audit.actions.')).sort()).toEqual(keys.sort());
  });

  it('name every kind of thing in the audit log, and no others', () => {
    const keys = kinds.map((kind) => `audit.kinds.${kind.replace(' ', '_')}`);
    expect([...english.keys()].filter((key) => key.startsWith('audit.kinds.')).sort()).toEqual(keys.sort());
  });

  it('are all used', () => {
    const patterns = used.map((key) => new RegExp(`^${key.replace(/[.]/g, '\\.').replace(/\$\{[^}]+\}/g, '[^.]+')}$`));
    const conditional = sources('src').join('\n');
    const unused = [...english.keys()].filter(
      (key) => !patterns.some((pattern) => pattern.test(key)) && !conditional.includes(`'${key}'`),
    );
    expect(unused).toEqual([]);
  });
});
