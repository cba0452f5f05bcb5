/// Why a statement would not do the same on every node.
package enum NotRepeatable: Hashable, Sendable, CaseIterable {
    case chanceInExistingRows
    case chanceInGeneratedColumn
    case chanceInSchedule
    case rowOrder
    case ignoredRows
    case ignoringQuery
    case directory
    case tablespaceFile
    case outsideEngine
    case keylessSpatial
    case versionedCascade
    case renamedTemporaryTable
    case localStatistics
    case ownStatistics
    case quotedRole
    case currentRole

    /// What is refused, why, and what to write instead.
    package var words: String {
        switch self {
        case .chanceInExistingRows:
            "a new column's default is worked out by every node for the rows that are there, and this one's is another each time; "
                + "add the column without the default, fill it with UPDATE, and set the default with ALTER TABLE … ALTER … SET DEFAULT"
        case .chanceInGeneratedColumn:
            "a generated column is worked out by every node, and this one's value is another each time; give the column that DEFAULT, or compute it in the query"
        case .chanceInSchedule:
            "an event's schedule is worked out by every node, and this one's is another each time; write the time out"
        case .rowOrder:
            "it numbers rows in the order that each node happens to have them in, since no key orders them; "
                + "create another table with the AUTO_INCREMENT key and fill it with INSERT … SELECT … ORDER BY"
        case .ignoredRows:
            "it keeps whichever of several rows each node happens to have first, since no key orders them; "
                + "delete the duplicates beforehand, and leave IGNORE out"
        case .ignoringQuery:
            "the server loses rows that CREATE TABLE … IGNORE SELECT passes over; create the table, then fill it with INSERT IGNORE … SELECT"
        case .directory: "a directory is a place on one node; leave DATA DIRECTORY and INDEX DIRECTORY out"
        case .tablespaceFile: "a tablespace's file is on one node; copy rows with INSERT … SELECT, or a dump"
        case .outsideEngine:
            "this engine reaches data outside of the database, which every node would read and write for itself; use another engine"
        case .keylessSpatial:
            "without a PRIMARY or UNIQUE key replicas don't find the rows of a table with a SPATIAL key; give the table a PRIMARY KEY in the same statement or before"
        case .versionedCascade:
            "what a foreign key's CASCADE or SET NULL changes in a system-versioned table gets other times on every node; "
                + "use RESTRICT and change the rows by statements or a trigger, or leave SYSTEM VERSIONING out"
        case .renamedTemporaryTable:
            "other nodes would rename a table that only this session has; use ALTER TABLE … RENAME for a temporary table"
        case .localStatistics:
            "it would gather statistics on this node alone; leave LOCAL or NO_WRITE_TO_BINLOG out"
        case .ownStatistics: "every node keeps these statistics for itself; use ANALYZE TABLE, or the table's STATS_… options"
        case .quotedRole:
            "the server writes SET DEFAULT ROLE to its binlog without care for quotes and backslashes in names, so that no other node can read it; use a name without them"
        case .currentRole: "other nodes don't know this session's role; name the role"
        }
    }

    /// For the documentation.
    var examples: String {
        switch self {
        case .chanceInExistingRows:
            "`ALTER TABLE … ADD c … DEFAULT` of `UUID()`, `RAND()`, `NEXTVAL()`, `USER()`, `SYSDATE()`, `@@variable`, … on a table with rows"
        case .chanceInGeneratedColumn: "`… AS (UUID())` and the like"
        case .chanceInSchedule: "`CREATE EVENT … AT NOW() + INTERVAL RAND() * 9 DAY`"
        case .rowOrder: "`ALTER TABLE … ADD … AUTO_INCREMENT` on a table with rows and without a key that orders them"
        case .ignoredRows: "`ALTER IGNORE TABLE` likewise"
        case .ignoringQuery: "`CREATE TABLE … IGNORE SELECT`"
        case .directory: "`DATA DIRECTORY`, `INDEX DIRECTORY`"
        case .tablespaceFile: "`ALTER TABLE … DISCARD TABLESPACE`, `… IMPORT TABLESPACE`"
        case .outsideEngine: "`ENGINE=CONNECT`, `FEDERATED`, `S3`, `SPIDER`, …"
        case .keylessSpatial: "a `SPATIAL` key in an InnoDB table without a `PRIMARY` or `UNIQUE` one"
        case .versionedCascade: "`WITH SYSTEM VERSIONING` together with `FOREIGN KEY … ON DELETE CASCADE`, `SET NULL`, …"
        case .renamedTemporaryTable: "`RENAME TABLE` of a temporary table"
        case .localStatistics: "`ANALYZE LOCAL TABLE … PERSISTENT FOR …`"
        case .ownStatistics: "changes of `mysql.innodb_table_stats`, `mysql.innodb_index_stats`"
        case .quotedRole: "`SET DEFAULT ROLE` with a quote or backslash in a name"
        case .currentRole: "`CREATE ROLE … WITH ADMIN CURRENT_ROLE`"
        }
    }
}
