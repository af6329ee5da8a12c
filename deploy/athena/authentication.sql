-- SPDX-License-Identifier: Apache-2.0
-- OCSF class authentication (3002): the columns that every object of the lake has. Made from the lake's schema by
-- AthenaTests (UPDATE_GOLDEN=1); further columns of your mappings: ALTER TABLE authentication ADD COLUMNS (…).
-- Put your bucket in, run it, then make new partitions known: MSCK REPAIR TABLE authentication
CREATE EXTERNAL TABLE IF NOT EXISTS authentication (
    `action_id` int,
    `activity_id` int,
    `activity_name` string,
    `actor` struct<process:struct<name:string>,user:struct<name:string>>,
    `attacks` array<struct<sub_technique:struct<name:string,uid:string>,tactic:struct<name:string,uid:string>,technique:struct<name:string,uid:string>,version:string>>,
    `auth_protocol` string,
    `category_name` string,
    `category_uid` int,
    `class_name` string,
    `class_uid` int,
    `confidence_score` int,
    `count` int,
    `device` struct<hostname:string,ip:string,mac:string,name:string,type_id:int,uid:string,zone:string>,
    `disposition_id` int,
    `dst_endpoint` struct<hostname:string,ip:string,mac:string,name:string,port:int,type_id:int,uid:string,zone:string>,
    `duration` bigint,
    `end_time` bigint,
    `enrichments` array<struct<name:string,value:string>>,
    `is_alert` boolean,
    `logon_type_id` int,
    `message` string,
    `metadata` struct<correlation_uid:string,event_code:string,labels:array<string>,log_name:string,logged_time:bigint,product:struct<name:string,vendor_name:string,version:string>,profiles:array<string>,uid:string,version:string>,
    `observables` array<struct<name:string,type_id:int,value:string>>,
    `raw_data` string,
    `risk_score` int,
    `severity` string,
    `severity_id` int,
    `src_endpoint` struct<hostname:string,ip:string,mac:string,name:string,port:int,type_id:int,uid:string,zone:string>,
    `start_time` bigint,
    `status` string,
    `status_id` int,
    `time` bigint,
    `type_name` string,
    `type_uid` bigint,
    `unmapped` string,
    `user` struct<domain:string,name:string,uid:string>,
    `misfits` string
)
PARTITIONED BY (`date` string, `source` string)
STORED AS PARQUET
LOCATION 's3://YOUR-BUCKET/lake/authentication/'
TBLPROPERTIES ('classification' = 'parquet', 'ocsf.class_uid' = '3002', 'ocsf.version' = '1.8.0')
