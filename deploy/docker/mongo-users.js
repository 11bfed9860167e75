// Made by `./aoc docs`. Run by the image of MongoDB when its volume is empty. After an update that
// changes it, run it yourself (docs/howto/docker-compose.md): it sets right what is there.
const admin = db.getSiblingDB("admin");

function user(name, role) {
  const pwd = fs.readFileSync(`/run/secrets/mongo-${name}`, "utf8").trim();
  const rights = { pwd, roles: [role] };
  admin.getUser(name) ? admin.updateUser(name, rights) : admin.createUser({ user: name, ...rights });
}

const gateway = {
  roles: [{"role": "read", "db": "aoc"}],
  privileges: [
    {"resource": {"db": "aoc", "collection": "audit_trail"}, "actions": ["insert"]},
    {"resource": {"db": "aoc", "collection": "audit_heads"}, "actions": ["insert", "update"]},
    {"resource": {"db": "aoc", "collection": "audit_publications"}, "actions": ["insert"]},
    {"resource": {"db": "aoc", "collection": "event_notes"}, "actions": ["insert", "update"]},
    {"resource": {"db": "aoc", "collection": "alerts"}, "actions": ["update"]},
    {"resource": {"db": "aoc", "collection": "grants"}, "actions": ["insert", "update", "remove"]},
    {"resource": {"db": "aoc", "collection": "break_glass"}, "actions": ["insert", "update"]},
    {"resource": {"db": "aoc", "collection": "saved_searches"}, "actions": ["insert", "update", "remove"]},
    {"resource": {"db": "aoc", "collection": "privacy"}, "actions": ["insert", "update", "remove"]},
    {"resource": {"db": "aoc", "collection": "export_jobs"}, "actions": ["insert", "update", "remove"]},
    {"resource": {"db": "aoc", "collection": "export_parts"}, "actions": ["insert", "remove"]},
    {"resource": {"db": "aoc", "collection": "api_keys"}, "actions": ["insert", "update"]},
    {"resource": {"db": "aoc", "collection": "sessions"}, "actions": ["insert", "update", "remove"]},
    {"resource": {"db": "aoc", "collection": "sign_in_links"}, "actions": ["remove"]},
    {"resource": {"db": "aoc", "collection": "rules"}, "actions": ["insert", "update", "remove"]},
    {"resource": {"db": "aoc", "collection": "sinks"}, "actions": ["insert", "update", "remove"]},
    {"resource": {"db": "aoc", "collection": "tenant_settings"}, "actions": ["insert", "update"]},
  ],
};
admin.getRole("aocGateway")
  ? admin.updateRole("aocGateway", gateway)
  : admin.createRole({ role: "aocGateway", ...gateway });

user("aoc", {"role": "readWrite", "db": "aoc"});
user("gateway", {"role": "aocGateway", "db": "admin"});
