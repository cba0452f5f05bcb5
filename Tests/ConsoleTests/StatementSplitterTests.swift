import Testing

@testable import Console

@Suite struct StatementSplitterTests {
    @Test(arguments: [
        ("SELECT 1", ["SELECT 1"]), ("SELECT 1;", ["SELECT 1"]), ("SELECT 1; SELECT 2 ;;", ["SELECT 1", "SELECT 2"]),
        ("SELECT\n1;\nSELECT 2", ["SELECT\n1", "SELECT 2"]), ("SELECT ';', \"a;b\", `c;d`;", ["SELECT ';', \"a;b\", `c;d`"]),
        (#"SELECT 'it''s; \'x;', `\`; SELECT 2"#, [#"SELECT 'it''s; \'x;', `\`"#, "SELECT 2"]),
        ("SELECT 1 -- one; \n, 2 # two;\n;", ["SELECT 1 -- one; \n, 2 # two;"]), ("SELECT 1--1;", ["SELECT 1--1"]),
        ("SELECT /* ; ' */ 1; SELECT 2", ["SELECT /* ; ' */ 1", "SELECT 2"]), ("-- nothing\n# at all\n\n/* ; */;", []),
        ("/*!40101 SET a=1 */;", ["/*!40101 SET a=1 */"]), ("-- about it\nSELECT 1;", ["SELECT 1"]), ("  ;;\n", []),
        ("SELECT 'a\\\n;';", ["SELECT 'a\\\n;'"]),
        ("DELIMITER //\nBEGIN NOT ATOMIC SELECT 1; END//\ndelimiter ;\nSELECT 2;", ["BEGIN NOT ATOMIC SELECT 1; END", "SELECT 2"]),
        ("/*M!999999\\- enable the sandbox mode */ \n-- dump\n\n/*!40101 SET a=1 */;\nSELECT 1;", ["/*!40101 SET a=1 */", "SELECT 1"]),
        ("/*!50003 SET a=1; SET b='*/;' */; SELECT 1", ["/*!50003 SET a=1; SET b='*/;' */", "SELECT 1"]),
        ("/*!50003 A -- don't; */\n/* ' ; */ \"*/\" # ' \n; */;;SELECT 1", ["/*!50003 A -- don't; */\n/* ' ; */ \"*/\" # ' \n; */", "SELECT 1"]),
        (
            "DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=a*/ /*!50003 TRIGGER t B;;\n*/;;\nDELIMITER ;\nSELECT 2;",
            ["/*!50003 CREATE*/ /*!50017 DEFINER=a*/ /*!50003 TRIGGER t B;;\n*/", "SELECT 2"]
        ),
        ("SELECT 1\n.ping\n;", ["SELECT 1\n.ping"]), ("SELECT 1; junk \\c SELECT 2;", ["SELECT 1", "SELECT 2"]),
    ])
    func `statements end where MariaDB ends them`(text: String, statements: [String]) {
        #expect(pieces(text) == statements.map { .statement(Array($0.utf8), vertical: false) })
    }

    @Test func `a backslash and G asks for the vertical form`() {
        #expect(pieces("SELECT 1\\G SELECT 2\\g") == [statement("SELECT 1", vertical: true), statement("SELECT 2")])
        #expect(pieces("SELECT '\\G';") == [statement("SELECT '\\G'")])
    }

    @Test func `a line that begins with a dot is a command at once`() {
        #expect(
            pieces(".ping\n  .wait 0-1-2;\nSELECT 1;") == [
                .command(Array(".ping".utf8)), .command(Array(".wait 0-1-2;".utf8)), statement("SELECT 1"),
            ])
    }

    @Test(arguments: ["quit", "EXIT", "quit;", "exit ;", "\\q", ".quit", "SELECT 1 \\q"])
    func `there are several ways to leave`(text: String) {
        #expect(pieces(text) == [.quit])
    }

    @Test func `a column named quit is no way to leave`() {
        #expect(pieces("SELECT\nquit\nFROM t;") == [statement("SELECT\nquit\nFROM t")])
        #expect(pieces("quit now;") == [statement("quit now")])
    }

    @Test func `the prompt knows whether a statement was begun`() {
        var splitter = StatementSplitter()
        for (line, isInStatement) in [("", false), ("-- x", false), ("SELECT", true), ("1;", false), ("/* a", true), ("*/", false), ("'", true)] {
            _ = splitter.add(line.utf8)
            #expect(splitter.isInStatement == isInStatement, "\(line)")
        }
    }

    @Test func `a statement that is too long is not kept, and the next one is run`() {
        var splitter = StatementSplitter(statementBytesMax: 20)
        #expect(splitter.add("SELECT 'a rather long text;".utf8) == [])
        #expect(splitter.add("'; SELECT 2;".utf8) == [.tooLong, statement("SELECT 2")])
    }
}

private func statement(_ text: String, vertical: Bool = false) -> StatementSplitter.Piece { .statement(Array(text.utf8), vertical: vertical) }

private func pieces(_ text: String) -> [StatementSplitter.Piece] {
    var splitter = StatementSplitter()
    let pieces = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).flatMap { splitter.add($0) }
    return pieces + (splitter.finish().map { [$0] } ?? [])
}
