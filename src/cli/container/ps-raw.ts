/** `--format raw` of `docker ps`, a line each field; compose's `ps` has the same. */
export const PS_RAW = [
  'container_id: {{.ID}}',
  'image: {{.Image}}',
  'command: {{.Command}}',
  'created_at: {{.CreatedAt}}',
  'state: {{- pad .State 1 0}}',
  'status: {{- pad .Status 1 0}}',
  'names: {{.Names}}',
  'labels: {{- pad .Labels 1 0}}',
  'ports: {{- pad .Ports 1 0}}',
];
