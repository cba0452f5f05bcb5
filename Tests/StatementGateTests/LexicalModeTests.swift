import StatementGate
import Testing

struct LexicalModeTests {
    @Test func `sql_mode's names and combinations set the lexical mode`() {
        #expect(LexicalMode(sqlMode: "") == .standard)
        #expect(LexicalMode(sqlMode: "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION") == .standard)
        #expect(LexicalMode(sqlMode: "strict_trans_tables, ansi_quotes").ansiQuotes)
        for name in ["ANSI", "ORACLE", "DB2", "MSSQL", "POSTGRESQL", "MAXDB", "ANSI_QUOTES"] {
            #expect(LexicalMode(sqlMode: "PIPES_AS_CONCAT,\(name)").ansiQuotes, "\(name)")
            #expect(!LexicalMode(sqlMode: name).noBackslashEscapes)
        }
        #expect(LexicalMode(sqlMode: "NO_BACKSLASH_ESCAPES").noBackslashEscapes)
        #expect(!LexicalMode(sqlMode: "NO_BACKSLASH_ESCAPES").ansiQuotes)
        #expect(LexicalMode(sqlMode: "ORACLE").oracle)
        #expect(!LexicalMode(sqlMode: "ANSI").oracle)
    }

    @Test func `double quotes name things under ANSI_QUOTES`() {
        let ansi = LexicalMode(sqlMode: "ANSI_QUOTES")
        #expect(sorted(#"SELECT "a\"; DROP TABLE t; -- ""#, mode: ansi).classification?.statementCount == 2)
        #expect(sorted(#"SELECT "a\"; DROP TABLE t; -- ""#).classification?.statementCount == 1)
        #expect(sorted(#"SELECT "load_file"('/etc/passwd')"#, mode: ansi).classification?.statementClass == .serverFiles)
        #expect(sorted(#"SELECT "load_file"('/etc/passwd')"#).classification?.statementClass == .read)
        #expect(sorted(#"SET "sql_log_bin" = 0"#, mode: ansi).classification?.statementClass == .breaksReplication)
        #expect(sorted(#"EXECUTE IMMEDIATE "DROP TABLE t""#, mode: ansi).classification?.statementClass == .opaque)
        #expect(sorted(#"SELECT "a""b", "drop" FROM "update""#, mode: ansi).classification?.statementClass == .read)
        #expect(sorted(#"SELECT @"a b""#, mode: ansi).classification?.facts == .readsUserVariable)
    }

    @Test func `a backslash hides nothing under NO_BACKSLASH_ESCAPES`() {
        let plain = LexicalMode(sqlMode: "NO_BACKSLASH_ESCAPES")
        let text = #"SELECT '\'; DROP TABLE t; -- '"#
        #expect(sorted(text, mode: plain).classification?.classes.contains(.drop) == true)
        #expect(sorted(text).classification?.classes == StatementClasses(.read))
        #expect(sorted(#"EXECUTE IMMEDIATE 'SELECT ''\'''"#, mode: plain).classification?.statementClass == .read)
        #expect(sorted(#"SELECT 'a\'"#, mode: plain).classification?.statementClass == .read)
        #expect(sorted(#"SELECT 'a\'"#).reason == .unterminatedQuote)
    }

    @Test func `both modes together keep the doubled quotes`() {
        let both = LexicalMode(sqlMode: "ANSI_QUOTES,NO_BACKSLASH_ESCAPES")
        #expect(sorted(#"SELECT 'it''s \', "a""b\" FROM t"#, mode: both).classification?.statementClass == .read)
    }

    @Test func `a sequence's pseudo-columns advance it in Oracle's mode only`() {
        let oracle = LexicalMode(sqlMode: "ORACLE")
        #expect(sorted("SELECT s.NEXTVAL", mode: oracle).classification?.statementClass == .lockingRead)
        #expect(sorted("SELECT shop.s.nextval", mode: oracle).classification?.statementClass == .lockingRead)
        #expect(sorted("SELECT s.nextval").classification?.statementClass == .read)
        #expect(sorted("BEGIN DELETE FROM t; END", mode: oracle).reason == .unexpectedWord)
    }
}
