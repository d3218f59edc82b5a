import { expect, it } from 'vitest';
import { toCsv } from './csv';

it('writes what a spreadsheet reads, and nothing that it would run', () => {
  expect(toCsv(['名称', 'value'], [['a,"b"', 1], ['=HYPERLINK("x")', null], ['-5', -5]])).toBe(
    '\uFEFF名称,value\r\n"a,""b""",1\r\n"\'=HYPERLINK(""x"")",\r\n\'-5,-5\r\n',
  );
});
