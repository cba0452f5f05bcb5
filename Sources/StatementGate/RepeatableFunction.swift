/// Functions whose value is the same on every node that runs the text: what they take from the session, the binlog carries along.
package enum RepeatableFunction {
    package static func isNamed(_ name: String) -> Bool {
        // Those of geometry are many, and all alike in this.
        names.contains(name) || name.hasPrefix("st_") || name.hasPrefix("mbr") || PureFunction.isNamed(name) && !others.contains(name)
    }

    /// Functions of the server that are known not to be.
    package static func isKnownOther(_ name: String) -> Bool { others.contains(name) }

    /// Besides those that have no effect.
    private static let names = words(
        """
        add_months aes_decrypt aes_encrypt charset chr coercibility collation column_check column_exists column_get column_json column_list column_create column_add \
        column_delete compress concat_operator_oracle crc32c datetime decode decode_histogram decode_oracle encode extractvalue interval \
        is_ipv4 is_ipv4_compat is_ipv4_mapped is_ipv6 json_array_insert json_array_intersect json_equals json_key_value json_loose \
        json_merge json_merge_preserve json_normalize json_object_filter_keys json_object_to_array json_overlaps json_pretty json_schema_valid json_unquote \
        kdf lengthb lpad_oracle ltrim_oracle name_const natural_sort_key old_password password replace_oracle rpad_oracle rtrim_oracle \
        schemas sformat substr_oracle to_char to_date to_number trim_oracle uncompress uncompressed_length updatexml value format_pico_time \
        format_bytes multipolygon point linestring polygon varbinary nchar nvarchar time year timestamp inet6 uuid_to_bin
        """)

    private static let others = words(
        """
        benchmark binlog_gtid_pos connection_id current_role current_user des_decrypt des_encrypt encrypt found_rows get_lock is_free_lock \
        is_used_lock last_insert_id last_value lastval load_file master_gtid_wait master_pos_wait nextval rand random_bytes release_all_locks \
        release_lock row_count rownum session_user setval sleep sys_guid sysdate system_user user uuid uuid_short uuid_v4 uuid_v7 version \
        wsrep_last_seen_gtid wsrep_last_written_gtid wsrep_sync_wait_upto_gtid trt_begin_ts trt_commit_id trt_commit_ts trt_iso_level trt_trx_id \
        trt_trx_sees trt_trx_sees_eq
        """)

    private static func words(_ text: String) -> Set<String> { Set(text.split { $0 == " " || $0 == "\n" }.map(String.init)) }
}
