// What is unique, and what history is asked by. A uniqueness constraint is also the index.

// The log, its counter, the projector's cursor, the store itself, the migrations.
CREATE CONSTRAINT log_seq IF NOT EXISTS FOR (n:Log) REQUIRE n.seq IS UNIQUE;
CREATE CONSTRAINT log_id IF NOT EXISTS FOR (n:Log) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT counter_id IF NOT EXISTS FOR (n:Counter) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT cursor_id IF NOT EXISTS FOR (n:Cursor) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT store_id IF NOT EXISTS FOR (n:Store) REQUIRE n.id IS UNIQUE;

// Every drawn node, whatever its own label.
CREATE CONSTRAINT entity_key IF NOT EXISTS FOR (n:Entity) REQUIRE n.key IS UNIQUE;

CREATE CONSTRAINT identity_id IF NOT EXISTS FOR (n:Identity) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT group_id IF NOT EXISTS FOR (n:Group) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT role_id IF NOT EXISTS FOR (n:Role) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT permission_id IF NOT EXISTS FOR (n:Permission) REQUIRE n.id IS UNIQUE;
// A resource's id is unique within its type only; its key holds both.
CREATE CONSTRAINT resource_key IF NOT EXISTS FOR (n:Resource) REQUIRE n.key IS UNIQUE;
CREATE CONSTRAINT action_type_id IF NOT EXISTS FOR (n:ActionType) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT session_id IF NOT EXISTS FOR (n:Session) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT chain_id IF NOT EXISTS FOR (n:Chain) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT action_id IF NOT EXISTS FOR (n:Action) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT action_seq IF NOT EXISTS FOR (n:Action) REQUIRE n.seq IS UNIQUE;
CREATE CONSTRAINT decision_id IF NOT EXISTS FOR (n:Decision) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT decision_seq IF NOT EXISTS FOR (n:Decision) REQUIRE n.seq IS UNIQUE;
CREATE CONSTRAINT pattern_id IF NOT EXISTS FOR (n:Pattern) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT pack_id IF NOT EXISTS FOR (n:Pack) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT grant_id IF NOT EXISTS FOR (n:Grant) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT review_id IF NOT EXISTS FOR (n:Review) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT signal_id IF NOT EXISTS FOR (n:Signal) REQUIRE n.id IS UNIQUE;
CREATE CONSTRAINT source_id IF NOT EXISTS FOR (n:Source) REQUIRE n.id IS UNIQUE;

// Pages of history, in the order of the log.
CREATE INDEX decision_subject IF NOT EXISTS FOR (n:Decision) ON (n.subject, n.seq);
CREATE INDEX decision_verdict IF NOT EXISTS FOR (n:Decision) ON (n.verdict, n.seq);
CREATE INDEX decision_chain IF NOT EXISTS FOR (n:Decision) ON (n.chain, n.seq);
CREATE INDEX chain_seq IF NOT EXISTS FOR (n:Chain) ON (n.seq);
CREATE INDEX chain_session IF NOT EXISTS FOR (n:Chain) ON (n.session, n.seq);
CREATE INDEX chain_status IF NOT EXISTS FOR (n:Chain) ON (n.status, n.seq);
CREATE INDEX chain_owner IF NOT EXISTS FOR (n:Chain) ON (n.owner, n.seq);
