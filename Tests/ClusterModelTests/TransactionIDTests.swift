import ClusterModel
import Testing

@Suite struct TransactionIDTests {
    @Test(arguments: ["a", "A-Z.a_z:0-9", String(repeating: "x", count: 64), "-"])
    func `an id is up to 64 letters, digits and four marks`(_ text: String) {
        #expect(TransactionID(text)?.description == text)
    }

    @Test(arguments: ["", String(repeating: "x", count: 65), "a b", "a'b", "ä", "a\\", "a\n", "a/b", "a%"])
    func `anything else is none`(_ text: String) {
        #expect(TransactionID(text) == nil)
    }
}
