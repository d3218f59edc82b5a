/** What a new group starts with: a whole rule that works. */
export const EXAMPLE_GROUP = `groups:
  - name: my-rules
    interval: 1m
    rules:
      - alert: HighLoad
        expr: server_load1 > 8
        for: 10m
        labels:
          severity: warning
        annotations:
          summary: 'Load of {{ $labels.server }} is {{ $value }}'
          runbook_url: https://example.com/runbooks/high-load
`;
