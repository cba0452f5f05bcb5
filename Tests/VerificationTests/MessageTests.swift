import Testing

@testable import Verification

@Suite struct MessageTests {
    private static let name = TableName(database: "a`b", table: "t")
    private static let range = KeyRange(after: Key(["1", "6162"]), through: Key(["2", ""]))
    private static let shape = TableShape(
        kind: .table, definition: "CREATE TABLE …", engine: "InnoDB", isTransactional: true,
        columns: [
            ColumnShape(name: "id", type: "int"), ColumnShape(name: "s", type: "varchar", characterSet: "utf8mb4", collation: "utf8mb4_bin"),
            ColumnShape(name: "f", type: "float"), ColumnShape(name: "e", type: "enum"),
        ], index: "PRIMARY",
        key: [
            ColumnShape(name: "id", type: "int"), ColumnShape(name: "s", type: "varchar", characterSet: "utf8mb4", collation: "utf8mb4_bin"),
        ])

    @Test(arguments: [
        VerifyRequest.prepare, .nodes, .hold, .endSnapshot, .snapshot(atLeast: 7), .snapshotAt(8), .shape(name, atLeast: 9),
        .names(database: nil, table: nil, after: nil), .names(database: "d", table: "t", after: TableName(database: "d", table: nil)),
        .cut(name, range, row: 500), .sum(name, .all), .sum(name, range), .list(name, KeyRange(after: Key(["1", "61"])), rowsMax: 400),
    ])
    func `a request is read as it was written`(request: VerifyRequest) { #expect(VerifyRequest(request.fields) == request) }

    @Test(arguments: [
        [], ["drop"], ["hold", "x"], ["snapshot", "-1"], ["cut", "d", "t", "0", "0", "0"], ["sum", "d", "t", "1"], ["sum", "d", "t", "1", nil, "0"],
        ["list", "d", "t", "401", "0", "0"],
    ])
    func `what is no request is refused`(fields: [String?]) { #expect(VerifyRequest(fields) == nil) }

    @Test func `a shape is read as it was written`() {
        let reply = VerifyReply(Self.shape, sequence: 12)
        #expect(reply.shape == Self.shape)
        #expect(reply.sequence == 12)
        #expect(VerifyReply(nil, sequence: 3).shape == nil)
        #expect(VerifyReply(nil, sequence: 3).sequence == 3)
    }

    @Test(arguments: [VerifyProblem.redefined("1412"), .passed, .behind("x"), .busy, .failed("y"), .lost("z")])
    func `a problem is read as it was written`(problem: VerifyProblem) { #expect(VerifyProblem(problem.fields) == problem) }

    @Test func `statements name a range by its key`() throws {
        let sql = ChecksumSQL(Self.name, Self.shape)
        #expect(
            try #require(sql.cut(Self.range, row: 500)) == """
                SELECT `id`,HEX(`s`) FROM `a``b`.`t` FORCE INDEX (`PRIMARY`) WHERE `id`>=1 AND \
                (`id`>1 OR (`id`=1 AND `s`>_utf8mb4 X'6162' COLLATE utf8mb4_bin)) AND `id`<=2 AND \
                (`id`<2 OR (`id`=2 AND `s`<=_utf8mb4 X'' COLLATE utf8mb4_bin)) ORDER BY `id`,`s` LIMIT 499,1
                """)
        #expect(
            try #require(sql.sum(.all)).contains(
                "CONCAT_WS('|',COALESCE(CONCAT(LENGTH(`id`),':',`id`),'N'),COALESCE(CONCAT(LENGTH(CAST(`s` AS BINARY)),':',CAST(`s` AS BINARY)),'N'),"
            ))
    }

    @Test(arguments: [["1' OR '1", "61"], ["1", "6"], ["1", "6z"], ["1"], ["", "61"], ["1;", "61"]])
    func `a bound that is no key makes no statement`(parts: [String]) {
        #expect(ChecksumSQL(Self.name, Self.shape).sum(KeyRange(after: Key(parts))) == nil)
    }

    @Test func `definitions differ in words`() {
        let column = ColumnShape(name: "id", type: "bigint")
        let other = TableShape(kind: .table, definition: "x", columns: [column])
        #expect(Self.shape.difference(other) == "column id bigint here, id int on the master")
        #expect(other.difference(TableShape(kind: .table, definition: "x", columns: [])) == "column id bigint is missing here")
        #expect(
            TableShape(kind: .table, definition: "a\n  KEY b\n)").difference(TableShape(kind: .table, definition: "a\n  KEY c\n)"))
                == "its definition differs: KEY c here, KEY b on the master")
    }

    @Test func `the next AUTO_INCREMENT is no part of a definition`() {
        #expect(
            DefinitionSQL.withoutCounter("CREATE TABLE `t` (\n  `AUTO_INCREMENT=5 x` int\n) ENGINE=InnoDB AUTO_INCREMENT=41 CHARSET=utf8mb4")
                == "CREATE TABLE `t` (\n  `AUTO_INCREMENT=5 x` int\n) ENGINE=InnoDB CHARSET=utf8mb4")
    }
}
