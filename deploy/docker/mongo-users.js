// Made by `./aoc docs`. Run by the image of MongoDB when its volume is empty.
function create(user, role) {
  const pwd = fs.readFileSync(`/run/secrets/mongo-${user}`, "utf8").trim();
  db.getSiblingDB("admin").createUser({ user, pwd, roles: [{ role, db: "aoc" }] });
}

create("aoc", "readWrite");
create("gateway", "read");
