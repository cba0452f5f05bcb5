import ClusterModel
import Testing

@Suite struct GTIDTests {
    @Test(arguments: ["0-1-42", "4294967295-4294967295-18446744073709551615", "0-0-0"])
    func `a GTID reads back as it was written`(text: String) {
        #expect(GTID(text)?.description == text)
        #expect(Array(text.utf8).withUnsafeBytes { GTID(ascii: $0) } == GTID(text))
    }

    @Test(arguments: [
        "", "0-1", "0-1-", "-1-2", "0-1-2-3", "a-1-2", "0-1-18446744073709551616", "0-1-99999999999999999999", "--", "1--2", "4294967296-1-1",
        "0-+1-2", " 0-1-2",
    ])
    func `what is no GTID is refused`(text: String) {
        #expect(GTID(text) == nil)
        #expect(Array(text.utf8).withUnsafeBytes { GTID(ascii: $0) } == nil)
    }

    @Test func `a position takes the entry of domain 0 out of a list`() {
        #expect(Position(list: "")?.description == "-")
        #expect(Position(list: "1-5-9,0-1-7")?.gtid == GTID(domain: 0, server: 1, sequence: 7))
        #expect(Position(list: "1-5-9")?.gtid == nil)
        #expect(Position(list: "0-1-x") == nil)
    }

    @Test func `positions compare by sequence whoever wrote them`() {
        #expect(Position.start < Position(GTID("0-9-1")))
        #expect(Position(GTID("0-9-1")) < Position(GTID("0-1-2")))
    }
}
