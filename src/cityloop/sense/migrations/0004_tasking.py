from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("sense", "0003_archive")]

    operations = []
