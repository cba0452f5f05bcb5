import ClusterModel
import StatementGate
import Testing

struct UnsortedTests {
    private static let table: [(Unsorted.Reason, String)] = [
        (
            .unknownVerb,
            #"""
            DR/**/OP TABLE t
            DR OP TABLE t
            D/*!R*/OP TABLE t
            SEL/**/ECT 1
            foo
            foo SELECT 1
            `DROP` TABLE t
            'DROP' TABLE t
            "DROP" TABLE t
            @x
            1
            drop.table t
            x: BEGIN SELECT 1; END
            <<l>> BEGIN NULL; END
            DECLARE x INT; BEGIN NULL; END
            RETURN 1
            .help
            - 1
            DROPTABLE t
            _DROP TABLE t
            EXECUTE IMMEDIATE 'foo'
            BEGIN NOT ATOMIC foo; END
            BEGIN NOT ATOMIC SELECT 1;
            CREATE PROCEDURE p() foo
            PREPARE p FROM 'DR/**/OP TABLE t'
            """#
        ),
        (
            .unexpectedWord,
            #"""
            CREATE foo
            CREATE OR DROP TABLE t
            ALTER foo
            DROP foo
            DROP TEMPORARY VIEW v
            START foo
            STOP foo
            RESET foo
            CHANGE foo
            RENAME foo
            LOAD foo
            LOCK foo
            COMMIT foo
            BEGIN foo
            BEGIN DELETE FROM t
            BEGIN WORK DELETE FROM t
            ROLLBACK TO
            START TRANSACTION READ
            USE
            USE shop drop
            SET
            SET x
            SET PERSIST x = 1
            SET @x
            SET NAMES utf8mb4 DROP
            EXPLAIN DROP TABLE t
            DESCRIBE a b c
            ANALYZE DROP TABLE t
            ANALYZE t
            WITH a AS (SELECT 1) DROP TABLE t
            WITH a SELECT 1
            WITH a AS SELECT 1
            BEGIN NOT ATOMIC SELECT 1
            BEGIN NOT ATOMIC SELECT 1 END
            BEGIN NOT ATOMIC SELECT 1; END DROP TABLE t
            IF 1 THEN SELECT 1; END LOOP
            CREATE PROCEDURE p() x: DROP TABLE t
            CREATE TRIGGER r ON t DROP TABLE t
            SET STATEMENT max_statement_time = 1
            SET STATEMENT max_statement_time = 1 DROP TABLE t
            PREPARE p 'SELECT 1'
            DEALLOCATE p
            UNLOCK foo
            """#
        ),
        (
            .unterminatedQuote,
            #"""
            SELECT 'a
            SELECT "a
            SELECT `a
            SELECT 'a\'
            SELECT @'a
            SELECT 'a''
            SELECT '; DROP TABLE t
            EXECUTE IMMEDIATE 'SELECT ''a'
            """#
        ),
        (
            .unterminatedComment,
            #"""
            SELECT 1 /* x
            SELECT 1 /*/
            SELECT 1 /*! + 1
            /*!40101 SELECT 1
            /*!999999 SELECT 1
            /* DROP TABLE t
            /*!40101 /* x */ DROP TABLE t
            /*! SELECT 1 -- */
            SELECT 1 /*!999999 /* x */
            """#
        ),
        (
            .unbalancedParentheses,
            #"""
            SELECT (1
            SELECT 1)
            (SELECT 1
            SELECT ((1)
            SELECT (1; DROP TABLE t)
            CREATE PROCEDURE p( SELECT 1
            """#
        ),
        (
            .strayCharacter,
            #"""
            ＤＲＯＰ TABLE t
            SELECT 1； DROP TABLE t
            SELECT 1 FOR ＵＰＤＡＴＥ
            SELECT 😀
            SELECT [1]
            SELECT \x
            \- enable
            SELECT @@ sql_log_bin
            SET sql_lög_bin = 0
            SET `sql_lög_bin` = 0
            SELECT 1 \G
            """#
        ),
        (
            .characterSet,
            #"""
            SET NAMES gbk
            SET NAMES 'sjis'
            SET NAMES big5 COLLATE big5_bin
            SET NAMES DEFAULT
            SET NAMES @x
            SET NAMES utf16
            SET NAMES utf8mb4, NAMES gbk
            SET @x = 1, NAMES cp932
            SET CHARACTER SET gbk
            SET CHARSET 'gbk'
            SET CHARACTER SET DEFAULT
            SET character_set_client = gbk
            SET @@session.character_set_client = 'euckr'
            SET GLOBAL character_set_client = @saved_cs_client
            SET @@global.character_set_client = @saved_cs_client
            SET character_set_client = CONCAT(@saved_cs_client)
            SET character_set_client = @saved_cs_client COLLATE utf8mb4_bin
            SET character_set_client = (@saved_cs_client)
            SET character_set_client = @x := 'gbk'
            SET character_set_client = @@character_set_server
            SET STATEMENT character_set_client = @x FOR EXECUTE IMMEDIATE 'SELECT 1'
            SET STATEMENT max_statement_time = 5 FOR SET character_set_client = @x
            SET character_set_client = @x; SELECT 'a'
            SELECT 1; SET character_set_client = @x
            BEGIN NOT ATOMIC SET character_set_client = @x; SELECT 1; END
            CREATE PROCEDURE p() SET character_set_client = @x
            EXECUTE IMMEDIATE 'SET character_set_client = @x'; SELECT 1
            SET character_set_client = 28
            SET character_set_client = CONCAT('g', 'bk')
            SET `character_set_client` = gbk
            SET GLOBAL character_set_client = gbk
            /*!40101 SET NAMES gbk */
            /*!99999 SET NAMES gbk */
            SET STATEMENT character_set_client = gbk FOR SELECT 1
            EXECUTE IMMEDIATE 'SET NAMES gbk'
            BEGIN NOT ATOMIC SET NAMES gbk; END
            """#
        ),
        (
            .sqlModeInSameText,
            #"""
            SET sql_mode = 'ANSI_QUOTES'; SELECT "a"
            SELECT 1; SET @@sql_mode = ''
            SET SESSION sql_mode = ''; SET @x = 1;
            SET STATEMENT sql_mode = 'ANSI_QUOTES' FOR SELECT "a"
            SET STATEMENT max_statement_time = 5 FOR SET sql_mode = ''
            BEGIN NOT ATOMIC SET sql_mode = ''; SELECT 1; END
            BEGIN NOT ATOMIC EXECUTE IMMEDIATE 'SET sql_mode = ""'; END
            CREATE PROCEDURE p() SET sql_mode = ''
            EXECUTE IMMEDIATE 'SET sql_mode = ""'; SELECT 1
            """#
        ),
        (
            .delimiter,
            #"""
            DELIMITER //
            delimiter ;
            """#
        ),
        (
            .dynamicText,
            #"""
            PREPARE p FROM ''
            PREPARE p FROM '/* x */'
            PREPARE p FROM 'SELECT 1; DROP TABLE t'
            EXECUTE IMMEDIATE 'SELECT 1; SELECT 2'
            EXECUTE IMMEDIATE 'PREPARE p FROM ''SELECT 1'''
            """#
        ),
        (
            .versionDependent,
            #"""
            START TRANSACTION /*!99999 READ ONLY */
            SET autocommit = 1 /*!101100 - 1 */
            EXECUTE IMMEDIATE x'2F2A21393939393920782A2F2053454C4543542031'
            PREPARE p FROM 'SELECT 1' /*!99999 ' FOR UPDATE' */
            """#
        ),
        (
            .empty,
            #"""
            ;
            ;;;
            -- x
            /* x */
            # x
            /*! */
            /*!99999 */
            """#
        ),
    ]

    @Test func `what can't be sorted is refused to both roles, with its reason`() {
        for (reason, lines) in Self.table {
            for line in lines.split(separator: "\n") where !line.isEmpty {
                let result = sorted(String(line))
                #expect(result.reason == reason, "\(line)")
                for role in Role.allCases { #expect(verdict(result, role).word == "UNKNOWN-STATEMENT", "\(line)") }
            }
        }
    }

    @Test func `Unicode's own blanks and look-alikes separate nothing`() {
        let scalars = [
            "\u{A0}", "\u{AD}", "\u{1680}", "\u{2003}", "\u{200B}", "\u{2028}", "\u{3000}", "\u{FEFF}", "\u{FF1B}", "\u{2018}", "\u{1F600}",
        ]
        for scalar in scalars {
            for text in ["DROP\(scalar)TABLE t", "SELECT 1 FOR\(scalar)UPDATE", "\(scalar)SELECT 1", "SELECT 1\(scalar) DROP TABLE t"] {
                #expect(sorted(text).reason == .strayCharacter, "\(text.unicodeScalars.map(\.value))")
            }
            #expect(sorted("SELECT '\(scalar)', `\(scalar)` /* \(scalar) */").classification?.statementClass == .read)
        }
    }

    @Test func `nothing at all is empty`() {
        for text in ["", " ", "\t\r\n\u{0B}\u{0C}"] { #expect(sorted(text).reason == .empty) }
    }

    @Test func `a NUL byte outside strings is refused`() {
        for text in ["SELECT\0 1", "\0SELECT 1", "SELECT 1\0", "DROP\0TABLE t", "SELECT 1 -- x\0\n", "SELECT /* \0 */ 1", "SELECT `a\0b`"] {
            #expect(sorted(text).reason == .nulByte, "\(text)")
        }
        #expect(sorted("SELECT 'a\0b'").classification?.statementClass == .read)
        #expect(sorted(#"EXECUTE IMMEDIATE 'DROP\0TABLE t'"#).reason == .nulByte)
    }

    @Test func `invalid UTF-8 is refused outside strings and quoted names, and passes inside`() {
        let invalid: [[UInt8]] = [
            [0x80], [0xC0, 0xA0], [0xE0, 0x80, 0xA0], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF], [0xC3], [0xE2, 0x82],
        ]
        for bytes in invalid {
            #expect(sorted(Array("SELECT a".utf8) + bytes).reason == .invalidUTF8)
            #expect(sorted(Array("SELECT a".utf8) + bytes + Array(" FROM t".utf8)).reason == .invalidUTF8)
            #expect(sorted(Array("SELECT 1 /*".utf8) + bytes + Array("*/".utf8)).reason == .invalidUTF8)
            #expect(sorted(Array("SELECT '".utf8) + bytes + Array("'".utf8)).classification?.statementClass == .read)
            #expect(sorted(Array("SELECT `".utf8) + bytes + Array("`".utf8)).classification?.statementClass == .read)
        }
    }

    @Test func `a byte of a multibyte character never hides a quote`() {
        let hidden = Array("SELECT '".utf8) + [0xBF, 0x5C] + Array("'; DROP TABLE t; -- '".utf8)
        #expect(sorted(hidden).classification?.classes.contains(.drop) != true)
        #expect(sorted(hidden).reason == nil)
    }

    @Test func `the first words are at most 60 printable characters on one line`() throws {
        let long = String(repeating: "word\n\t \u{1}é", count: 100)
        guard case .failure(let unsorted) = sorted(long) else { throw Wrong.sorted }
        #expect(unsorted.firstWords.utf8.count <= 60)
        #expect(unsorted.firstWords.utf8.allSatisfy { (0x20...0x7E).contains($0) })
        #expect(unsorted.firstWords.hasPrefix("word ???word"))
    }

    @Test func `nesting has a limit`() {
        let deep = String(repeating: "BEGIN ", count: 5000)
        #expect(sorted("BEGIN NOT ATOMIC " + deep).reason == .tooDeep)
        let statements = String(repeating: "SET STATEMENT lock_wait_timeout = 1 FOR ", count: 5000)
        #expect(sorted(statements + "SELECT 1").reason == .tooDeep)
        var dynamic = "SELECT 1"
        for _ in 0..<6 {
            dynamic = "EXECUTE IMMEDIATE '" + dynamic.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
        }
        #expect(sorted(dynamic).reason == .tooDeep)
        let parentheses = String(repeating: "(", count: 100_000)
        #expect(sorted("SELECT " + parentheses).reason == .unbalancedParentheses)
        #expect(sorted(String(repeating: "EXPLAIN ", count: 100_000) + "SELECT 1").reason != nil)
        #expect(sorted(String(repeating: "WITH a AS (SELECT 1) ", count: 100_000) + "SELECT 1").reason == .unexpectedWord)
    }

    private enum Wrong: Error { case sorted }
}
