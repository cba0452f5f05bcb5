import SuiteCore
import Testing

@Suite struct TestFileTests {
    private func read(_ text: String) -> [String] { TestFile.statements(in: Array(text.utf8)).map(\.text) }

    @Test func `statements end at the delimiter, wherever the line breaks are`() {
        #expect(
            read("# comment\ncreate table t1 (\n  a int\n);\ninsert into t1 values (1); select 2;\n") == [
                "create table t1 (\n  a int\n)", "insert into t1 values (1)", "select 2",
            ])
    }

    @Test func `a delimiter within quotes or a comment ends nothing`() {
        #expect(read("select 'a;b', \"c;d\", `e;f`;\nselect 1 # one; two\n;\n") == ["select 'a;b', \"c;d\", `e;f`", "select 1 # one; two"])
        #expect(read("select 'it\\'s; so';") == ["select 'it\\'s; so'"])
    }

    @Test func `the delimiter can be changed, both ways of writing it`() {
        #expect(
            read("delimiter //;\nbegin not atomic select 1; end//\ndelimiter ;//\nselect 2;\n") == ["begin not atomic select 1; end", "select 2"])
        #expect(read("--delimiter |\nselect 1; select 2|\n--delimiter ;\nselect 3;\n") == ["select 1; select 2", "select 3"])
    }

    @Test func `what the test program does by itself is left out`() {
        #expect(
            read("--source include/have_innodb.inc\nlet $a= 1;\neval select $a;\n--error ER_DUP_ENTRY\nselect 1;\nselect '$b';\necho done;\n") == [
                "select 1"
            ])
    }

    @Test func `statements of other connections and under conditions are left out`() {
        #expect(read("connect (c,localhost,root,,);\nselect 1;\nconnection default;\nselect 2;\n") == ["select 2"])
        #expect(read("if ($x)\n{\n  select 1;\n}\nselect 2;\nwhile ($i) {\nselect 3;\n}\n") == ["select 2"])
    }

    @Test func `texts for files and other programs are left out`() {
        #expect(read("--perl\nselect 1;\nEOF\nselect 2;\n--write_file x.txt END\nselect 3;\nEND\nselect 4;\n") == ["select 2", "select 4"])
    }

    @Test func `a statement knows its line`() {
        #expect(TestFile.statements(in: Array("\n\nselect 1;\n\nselect\n2;\n".utf8)).map(\.line) == [3, 5])
    }
}

@Suite struct ComparisonTests {
    private func rows(_ rows: [[String?]], columns: [String] = ["a"]) -> StatementResult {
        var part = StatementResult.Part()
        part.columns = columns
        part.rows = rows.map { $0.map { $0.map { Array($0.utf8) } } }
        var result = StatementResult()
        result.parts = [part]
        return result
    }

    private func failed(_ code: String) -> StatementResult {
        var result = StatementResult()
        result.failure = StatementResult.Failure(code: code, message: "m")
        return result
    }

    @Test func `rows are alike in any order`() {
        #expect(rows([["1"], ["2"]]).isLike(rows([["2"], ["1"]])))
        #expect(!rows([["1"], ["2"]]).isLike(rows([["1"], ["1"]])))
        #expect(!rows([["1"]]).isLike(rows([["1"]], columns: ["b"])))
    }

    @Test func `NULL is not the empty text`() { #expect(!rows([[nil]]).isLike(rows([[""]]))) }

    @Test func `errors are alike by their number, and unlike success`() {
        #expect(failed("1146").isLike(failed("1146")))
        #expect(!failed("1146").isLike(failed("1064")))
        #expect(!failed("1146").isLike(rows([])))
    }

    @Test func `a statement that writes is alike by its affected rows and warnings`() {
        func wrote(_ affected: UInt64, _ warnings: UInt64) -> StatementResult {
            var part = StatementResult.Part()
            (part.affected, part.warnings) = (affected, warnings)
            var result = StatementResult()
            result.parts = [part]
            return result
        }
        #expect(wrote(1, 0).isLike(wrote(1, 0)))
        #expect(!wrote(1, 0).isLike(wrote(2, 0)))
        #expect(!wrote(1, 0).isLike(wrote(1, 1)))
        #expect(!wrote(0, 0).isLike(rows([])))
    }

    @Test func `known differences are those of the list, by file and text`() throws {
        let known = try KnownDifferences("# comment\n* | version() | names the release\nmain/a.test | * | all of it\n")
        #expect(known.reason(file: "main/b.test", statement: "SELECT VERSION()") == "names the release")
        #expect(known.reason(file: "main/a.test", statement: "select 1") == "all of it")
        #expect(known.reason(file: "main/b.test", statement: "select 1") == nil)
        #expect(throws: KnownDifferences.Problem(line: 2)) { try KnownDifferences("\nno reason | given\n") }
    }

    @Test func `a run is clean only where something ran, nothing differs and no slave stopped`() {
        var tally = Tally()
        #expect(!tally.isClean)
        tally.judged(.alike, "select 1")
        tally.judged(.refused("NODE-OWNED"), "reset master")
        tally.judged(.known("why"), "select version()")
        tally.ended(file: "a", slavesAreWell: true)
        #expect(tally.isClean)
        var other = tally
        other.judged(.different, "select 2")
        #expect(!other.isClean)
        tally.ended(file: "b", slavesAreWell: false)
        #expect(!tally.isClean)
    }
}
