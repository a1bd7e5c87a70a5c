from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sense", "0001_initial")]

    operations = [
        migrations.AddField("thing", "owner", models.CharField(db_default="", db_index=True, max_length=60)),
        migrations.AddField("datastream", "owner", models.CharField(db_default="", db_index=True, max_length=60)),
        migrations.AddField("datastream", "dataset", models.CharField(db_default="", db_index=True, max_length=80)),
        migrations.AddField("datastream", "retention", models.CharField(db_default="", max_length=20)),
    ]
